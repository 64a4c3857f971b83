"""Lines under way: answered in their order, before the last is read, and no more at once than there is room for."""

import asyncio
import queue
from collections.abc import Iterator

import pytest

from midwatch.cli.under_way import UnderWay
from midwatch_core.errors import ConfigError


async def test_a_line_is_answered_before_the_next_is_written() -> None:
    """Who writes a line and waits for its answer gets it."""
    written: queue.Queue[bytes | None] = queue.Queue()

    async def answer(line: bytes | None) -> bytes:
        assert line is not None
        return line.upper()

    written.put(b"one")
    told = []
    async for item in UnderWay(iter(written.get, None), answer).answers():
        told.append(item)
        written.put(b"two" if len(told) == 1 else None)
    assert told == [b"ONE", b"TWO"]


@pytest.mark.parametrize(("size", "most"), [(1, 66), (30_000, 2), (100_000, 1)], ids=["lines", "bytes", "alone"])
async def test_no_more_is_under_way_than_there_is_room_for(size: int, most: int) -> None:
    now: list[int] = [0, 0]

    async def answer(line: bytes | None) -> int:
        now[0] += 1
        now[1] = max(now)
        await asyncio.sleep(0.002)
        now[0] -= 1
        return len(line or b"")

    lines = [b"x" * size for _ in range(150 if size == 1 else 10)]
    told = [item async for item in UnderWay(iter(lines), answer).answers()]
    assert told == [size] * len(lines)
    assert 1 <= now[1] <= most


async def test_an_error_of_reading_comes_behind_what_was_read() -> None:
    def lines() -> Iterator[bytes | None]:
        yield b"one"
        raise ConfigError("gone")

    async def answer(line: bytes | None) -> bytes | None:
        return line

    answers = UnderWay(lines(), answer).answers()
    assert await anext(answers) == b"one"
    with pytest.raises(ConfigError, match="gone"):
        await anext(answers)


def test_who_has_all_they_want_can_leave(capfd: pytest.CaptureFixture[str]) -> None:
    """The thread that reads ends without a word, wherever it is."""

    async def answer(line: bytes | None) -> bytes | None:
        return line

    async def first() -> bytes | None:
        async for item in UnderWay((b"x" * 1000 for _ in range(1000)), answer).answers():
            return item
        return None

    assert asyncio.run(first()) == b"x" * 1000
    assert capfd.readouterr().err == ""
