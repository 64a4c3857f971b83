"""What a process prints: lines in the log, cut where they are long, counted where they are many."""

import asyncio
import logging

import pytest

from midwatch_core.children import printed


async def logged(data: bytes, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.set_level(logging.INFO)
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    await printed.log_what_is_printed(reader, "scan pool")
    return [record.message for record in caplog.records]


async def test_lines_are_logged_without_what_drives_a_terminal(caplog: pytest.LogCaptureFixture) -> None:
    lines = await logged(b"one\n\n \xff two\x1b[31m\nno end", caplog)
    assert lines == ["scan pool: one", "scan pool: \N{REPLACEMENT CHARACTER} two [31m", "scan pool: no end"]


async def test_a_line_without_end_takes_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await logged(b"x" * 3_000_000, caplog)
    assert line == "scan pool: " + "x" * 500


async def test_a_flood_is_counted(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch_core.children.printed.time.monotonic", lambda: 7.0)
    lines = await logged(b"again\n" * 100_000, caplog)
    assert len(lines) == 21
    assert lines[-1] == "scan pool: 99980 more lines"
