"""`reload` where nothing runs says so; where something does is shown by tests/e2e/test_e2e_workers.py."""

import asyncio
import json
import os
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.crew.crew_file import Crew, write_crew
from midwatch.crew.crew_lock import hold
from midwatch.home import Home

CONSOLE = "127.0.0.1:8082"


async def waits(delay_s: float) -> None:
    """Stand in for a wait, where there is nothing to wait for."""
    raise AssertionError(f"it waits {delay_s} s")


def test_where_nothing_runs_there_is_nothing_to_reload(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reload"]) == 2
    assert f"--home {home.root}: Midwatch does not run there" in capsys.readouterr().err


def test_what_a_dead_supervisor_left_is_not_waited_for(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch.cli.reload.asyncio.sleep", waits)
    write_crew(home, Crew(console=CONSOLE, settled=True, stamp=9))
    assert main(["reload"]) == 2
    assert f"--home {home.root}: Midwatch does not run there" in capsys.readouterr().err


def test_a_control_that_outlives_its_supervisor_replaces_nobody(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch.cli.reload.asyncio.sleep", waits)
    write_crew(home, Crew(console=CONSOLE, settled=True, stamp=8))
    lock = hold(home)

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers: dict[str, dict[str, Any]] = {
            "status": {"private": False, "console": CONSOLE},
            "reload": {"problems": [], "stamp": 9},
        }
        op = json.loads(await reader.readline())["op"]
        if op == "reload":
            os.close(lock)  # the supervisor is killed before it has looked
        writer.write(json.dumps(answers[op]).encode() + b"\n")
        writer.close()

    async def ask() -> int:
        async with await asyncio.start_unix_server(control, home.control_socket):
            return await asyncio.to_thread(main, ["reload"])

    assert asyncio.run(ask()) == 1
    assert "its supervisor has ended" in capsys.readouterr().err
