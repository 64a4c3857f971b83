"""Batches of a stream: full ones at once, the rest after a moment, and nobody waits for ever."""

import asyncio
from typing import Any

from midwatch_core import PlainCall
from midwatch_grpc.gathering import Gathering

LONG_S = 3600.0


def call(number: int) -> PlainCall:
    return PlainCall(provider="x", model=str(number))


def gathering(**changes: Any) -> Gathering:
    return Gathering(**{"most_calls": 3, "most_bytes": 100, "linger_s": LONG_S, **changes})


def models(batch: Any) -> list[str]:
    return [item.model for item in batch]


async def test_a_full_batch_goes_without_waiting() -> None:
    waiting = gathering()
    for number in range(3):
        await waiting.put([call(number)], 1)
    assert models(await waiting.batch()) == ["0", "1", "2"]


async def test_a_batch_is_full_by_its_bytes_too() -> None:
    waiting = gathering()
    await waiting.put([call(0)], 100)
    assert models(await waiting.batch()) == ["0"]


async def test_a_few_calls_go_after_a_moment() -> None:
    waiting = gathering(linger_s=0.001)
    await waiting.put([call(0)], 1)
    assert models(await waiting.batch()) == ["0"]


async def test_who_puts_is_held_until_there_is_room_and_then_goes_on() -> None:
    waiting = gathering()
    await waiting.put([call(0), call(1)], 2)
    held = asyncio.create_task(waiting.put([call(2), call(3)], 2))
    await asyncio.sleep(0)
    assert not held.done()
    assert models(await waiting.batch()) == ["0", "1"]
    await held
    waiting.close()
    assert models(await waiting.batch()) == ["2", "3"]
    assert await waiting.batch() == []


async def test_what_is_put_at_once_stays_together_even_where_it_is_more() -> None:
    waiting = gathering()
    await waiting.put([call(number) for number in range(5)], 1000)
    assert models(await waiting.batch()) == ["0", "1", "2", "3", "4"]


async def test_a_closed_one_gives_what_is_left_and_then_nothing() -> None:
    waiting = gathering()
    await waiting.put([call(0)], 1)
    waiting.close()
    assert models(await waiting.batch()) == ["0"]
    assert await waiting.batch() == []
    assert await waiting.batch() == []


async def test_no_call_is_lost_or_comes_twice_whoever_is_faster() -> None:
    waiting = gathering(linger_s=0.0)

    async def put() -> None:
        for number in range(100):
            await waiting.put([call(number)], 1 + number % 60)
            if number % 7 == 0:
                await asyncio.sleep(0)
        waiting.close()

    putting = asyncio.create_task(put())
    seen: list[str] = []
    while batch := await waiting.batch():
        assert len(batch) <= 3
        seen += models(batch)
    await putting
    assert seen == [str(number) for number in range(100)]


async def test_nothing_that_is_put_in_is_not_the_end() -> None:
    waiting = gathering(linger_s=0.0)
    await waiting.put([], 0)
    taking = asyncio.create_task(waiting.batch())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not taking.done()
    await waiting.put([call(0)], 1)
    assert models(await taking) == ["0"]
