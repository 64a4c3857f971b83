"""Sums of thousands of tenants: read a slice at a time, so that nobody waits for all of them."""

import asyncio
import json
from collections import Counter

import pytest

from midwatch_redis.cache import RedisCache

AT_ONCE = 1_000
NAMES = {f"tenant-{number // 9}/agent/{number % 9}/cost_usd": number / 8 for number in range(9_000)}


async def keep(cache: RedisCache, names: dict[str, float]) -> None:
    """Have these sums under `key`."""
    await cache.add("key", names, ttl_s=600)


async def read_by_turns(cache: RedisCache, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, float], Counter[int]]:
    """The sums, and how many names of them were read in each turn of the event loop."""
    turns, names_read, read = 0, Counter[int](), json.loads

    def counted(text: str) -> list[str]:
        words: list[str] = read(text)
        names_read[turns] += len(words) // 2
        return words

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", counted)
        sums = dict(await cache.sums("key"))
    turning.cancel()
    return sums, names_read


async def test_the_loop_has_its_turn_after_each_thousand(cache: RedisCache, monkeypatch: pytest.MonkeyPatch) -> None:
    await keep(cache, NAMES)
    sums, names_read = await read_by_turns(cache, monkeypatch)
    assert sums == NAMES
    assert list(names_read.values()) == [AT_ONCE] * 9


@pytest.mark.parametrize(
    ("kept", "slices"),
    [(0, []), (1, [1]), (AT_ONCE, [AT_ONCE]), (AT_ONCE + 1, [AT_ONCE, 1]), (2 * AT_ONCE, [AT_ONCE, AT_ONCE])],
)
async def test_a_slice_ends_where_it_should(
    cache: RedisCache, monkeypatch: pytest.MonkeyPatch, kept: int, slices: list[int]
) -> None:
    names = dict(list(NAMES.items())[:kept])
    await keep(cache, names)
    sums, names_read = await read_by_turns(cache, monkeypatch)
    assert (sums, list(names_read.values())) == (names, slices)
