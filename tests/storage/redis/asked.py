"""What the tests of trouble ask of a cache: every operation there is, and how each may end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from midwatch_core import Allowance, Bucket, Concurrency, Demand, StorageUnavailableError, Window
from midwatch_redis.cache import RedisCache

BUDGET = Allowance(limit=10, ends_s=2_000_000_000)
ASKED = (
    Demand(name="{acme}:b", amount=1, meter=Bucket(rate_per_s=1, burst=100)),
    Demand(name="{acme}:w", amount=1, meter=Window(limit=100, window_s=60)),
    Demand(name="{acme}:c", amount=1, meter=Concurrency(limit=100)),
    Demand(name="{acme}:a", amount=1, meter=BUDGET),
)


async def every(cache: RedisCache, check: Callable[[Awaitable[object]], Awaitable[None]]) -> None:
    """Check each operation; the bound only ends a broken run."""
    async with asyncio.timeout(60):
        await check(cache.get("k"))
        await check(cache.set("k", b"v"))
        await check(cache.ttl("k"))
        await check(cache.invalidate("k"))
        await check(cache.lease("l", "h", 10))
        await check(cache.release("l", "h"))
        await check(cache.admit("{acme}:t", ASKED, hold_s=60))
        await check(cache.settle("{acme}:t", {"{acme}:w": 1}))
        await check(cache.add("s", {"n": 1.0}, ttl_s=60))
        await check(cache.sums("s"))
        await check(cache.seed("{acme}:a", 1, ends_s=BUDGET.ends_s))


async def all_fine(cache: RedisCache) -> None:
    """Wait until each operation answers, one after the other: on a busy machine one may yet be late."""
    async with asyncio.timeout(60):
        while True:
            try:
                await every(cache, fine)
            except StorageUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


async def unavailable(asked: Awaitable[object]) -> None:
    """It says that it is away."""
    with pytest.raises(StorageUnavailableError, match=r"redis://127\.0\.0\.1:"):
        await asked


async def fine(asked: Awaitable[object]) -> None:
    """It answers."""
    await asked
