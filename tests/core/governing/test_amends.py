"""Budgets over a cache that is away, forgets, or was never told: in the end it counts each call once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from midwatch_core.errors import StorageUnavailableError
from midwatch_core.governing.amends import Amends
from midwatch_core.governing.settings import BudgetRule
from midwatch_core.metering import Allowance, Demand
from midwatch_core.model.exchange import Exchange
from midwatch_memory.cache import MemoryCache
from tests.core.governing.governed import Governed, Remote, StoppedClock, asking, used

COST_NANO = 10 * 3000 + 50 * 15000
BOUND_NANO = 1000 * 3750 + 100 * 15000


@pytest.fixture
async def governed(monkeypatch: pytest.MonkeyPatch) -> Governed:
    monkeypatch.setattr("midwatch_core.governing.counting._RETRY_S", (0.0, 0.0))
    clock = StoppedClock()
    own = MemoryCache(clock)
    await own.start()
    rule = BudgetRule.model_validate({"id": "monthly", "usd": 1})
    return await Governed(clock=clock, cache=Remote(clock), fallback=own, budgets=[rule]).start()


def done() -> Exchange:
    """A call that has ended, another one each time."""
    return used(asking(), 10, 50)


def remote_of(governed: Governed) -> Remote:
    assert isinstance(governed.cache, Remote)
    return governed.cache


async def calls(governed: Governed, count: int) -> None:
    for _ in range(count):
        assert (await governed.call(done())).granted


async def begun(governed: Governed) -> Callable[[], Awaitable[None]]:
    """A call that is on its way; what ends it."""
    exchange = done()
    reservation = governed.open(exchange)
    assert (await governed.admit(reservation)).granted
    reservation.answered = 200
    return lambda: governed.settle(reservation, exchange)


async def paid() -> None:
    """What is owed is paid beside the calls, all of it in this loop: some of its rounds are enough."""
    for _ in range(200):
        await asyncio.sleep(0)


async def back(governed: Governed) -> None:
    """The cache is there again, and one call has seen it."""
    remote_of(governed).away = False
    governed.clock.go(5)
    await calls(governed, 1)
    await paid()


async def standing(governed: Governed) -> int:
    """What the budget's counter stands at, in nano-dollars."""
    (counter,) = governed.governor.rules.counters_of(done()).all
    demand = counter.demand(0, governed.clock.now().timestamp())
    (amount,) = (await remote_of(governed).admit("look", [demand], hold_s=1)).used
    return amount


async def test_what_was_spent_while_it_was_away_is_counted_when_it_is_back(governed: Governed) -> None:
    await calls(governed, 2)
    remote_of(governed).away = True
    await calls(governed, 5)
    assert governed.fell_back == 5
    await back(governed)
    assert await standing(governed) == 8 * COST_NANO
    assert len(governed.seeds) == 2  # one of them for the worker's own memory


async def test_a_call_that_was_granted_before_the_outage_and_ends_in_it_stays_as_it_was_reserved(
    governed: Governed,
) -> None:
    end = await begun(governed)
    remote_of(governed).away = True
    await end()
    assert governed.lost == 1
    await back(governed)
    assert await standing(governed) == BOUND_NANO + COST_NANO


async def test_a_cache_that_lost_all_begins_with_what_is_stored_and_no_more(governed: Governed) -> None:
    await calls(governed, 2)
    remote_of(governed).away = True
    await calls(governed, 5)
    await remote_of(governed).forget()
    governed.spent_before = 7 * COST_NANO
    await back(governed)
    assert await standing(governed) == 8 * COST_NANO


async def test_a_cache_that_lost_all_unnoticed_is_known_again_before_the_next_outage(governed: Governed) -> None:
    await calls(governed, 1)
    await remote_of(governed).forget()
    governed.spent_before = COST_NANO
    await calls(governed, 1)
    await paid()
    remote_of(governed).away = True
    await calls(governed, 5)
    await back(governed)
    assert await standing(governed) == 8 * COST_NANO


async def test_a_call_that_outlives_the_outage_is_counted_at_its_end(governed: Governed) -> None:
    await calls(governed, 1)
    remote_of(governed).away = True
    ends = [await begun(governed) for _ in range(5)]  # more than are tried before it is left alone
    await back(governed)
    for end in ends:
        await end()
    assert await standing(governed) == 7 * COST_NANO


async def test_a_call_on_its_way_while_all_is_forgotten_is_counted_at_its_end(governed: Governed) -> None:
    await calls(governed, 1)
    ends = [await begun(governed) for _ in range(2)]
    await remote_of(governed).forget()
    governed.spent_before = COST_NANO
    await calls(governed, 1)
    for end in ends:
        await end()
    assert await standing(governed) == 4 * COST_NANO


async def test_where_its_budget_is_not_begun_anew_the_store_will_tell_of_the_call(governed: Governed) -> None:
    end = await begun(governed)
    await remote_of(governed).forget()
    await end()
    governed.spent_before = COST_NANO
    await calls(governed, 1)
    assert await standing(governed) == 2 * COST_NANO


async def test_a_settlement_whose_answer_was_lost_is_not_counted_again(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(governed)
    settle = remote.settle

    async def unheard(ticket: str, actual: Mapping[str, int]) -> bool:
        monkeypatch.setattr(remote, "settle", settle)
        await settle(ticket, actual)
        raise StorageUnavailableError("no answer came in time")

    monkeypatch.setattr(remote, "settle", unheard)
    await calls(governed, 1)
    assert await standing(governed) == COST_NANO


async def test_a_call_that_took_longer_than_its_reservation_was_held_is_not_counted_again(governed: Governed) -> None:
    end = await begun(governed)
    governed.clock.go(901)
    await end()
    assert await standing(governed) == BOUND_NANO


async def test_what_is_owed_stays_owed_until_it_is_counted() -> None:
    remote = Remote(StoppedClock())
    await remote.start()
    amends = Amends(remote)
    await amends.make()
    demand = Demand(name="{acme}:monthly", amount=7, meter=Allowance(limit=100, ends_s=2_000_000_000))
    await remote.seed(demand.name, 1, ends_s=2_000_000_000)
    remote.away = True
    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            await amends.add([demand])
    assert len(amends) == 1
    remote.away = False
    await amends.make()
    assert len(amends) == 0
    assert (await remote.admit("look", [demand], hold_s=1)).used == (1 + 2 * 7 + 7,)
