"""The shared cache, against a real Valkey."""

import asyncio

from midwatch_core import Allowance, Demand
from midwatch_core.testing.cache_contract import CacheLayerContract
from midwatch_redis.address import parse
from midwatch_redis.cache import RedisCache


class TestRedisCache(CacheLayerContract):
    """The fixture `cache` is the folder's."""


async def test_two_workers_never_pass_a_budget_together(cache: RedisCache, url: str) -> None:
    other = RedisCache(parse(url))
    await other.start()
    budget = Allowance(limit=10, ends_s=2_000_000_000)
    asked = [Demand(name="{acme}:a", amount=1, meter=budget)]
    await asyncio.gather(*(one.seed("{acme}:a", 0, ends_s=budget.ends_s) for one in (cache, other)))
    workers = [cache, other] * 32
    answers = await asyncio.gather(*(one.admit(f"t{n}", asked, hold_s=60) for n, one in enumerate(workers)))
    assert sorted(answer.used[0] for answer in answers if answer.granted) == list(range(1, 11))
    settled = await asyncio.gather(*(one.settle(f"t{n}", {"{acme}:a": 0}) for n, one in enumerate(reversed(workers))))
    assert sum(settled) == 10
    assert (await other.admit("t", asked, hold_s=60)).used == (1,)
    await other.close()


async def test_two_installations_share_a_server(cache: RedisCache, url: str) -> None:
    other = RedisCache(parse(f"{url}other:"))
    await other.start()
    await cache.set("k", b"v")
    assert await cache.lease("l", "h", 60)
    assert await other.get("k") is None
    assert await other.lease("l", "g", 60)
    await other.close()
