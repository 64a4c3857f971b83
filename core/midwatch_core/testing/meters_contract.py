# ruff: noqa: D102  # a test's name is its documentation
"""What holds for the counters of every cache: part of `cache_contract`.

What must be timed to the microsecond is tested with a clock of its own, elsewhere: here the times are real, and long
enough for a slow machine.
"""

import asyncio
import time
from dataclasses import replace
from math import inf, nan

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.metering import MOST, Admission, Allowance, Bucket, Concurrency, Demand, Meter, Window
from midwatch_core.ports import CacheLayer

HOUR = Window(limit=100, window_s=3600)
SLOW = Bucket(rate_per_s=0.001, burst=5)
TEN = Concurrency(limit=10)
HARD_NAMES = ("", "a b\r\n\0", "{acme}:{b}", "naïve 漢字 🦉", "half \ud83e", "x" * 5000, "*", "$-1")
HOLD_S = 600.0
SOON_S = 0.1
MARGIN_S = 0.15


def named(name: str) -> str:
    """A counter's name in one tenant."""
    return f"{{acme}}:{name}"


def demand(name: str, meter: Meter, amount: int = 1, *, hard: bool = True) -> Demand:
    """A demand in one tenant."""
    return Demand(name=named(name), amount=amount, meter=meter, hard=hard)


def month(limit: int = 100) -> Allowance:
    """An allowance whose period ends in a month."""
    return Allowance(limit=limit, ends_s=float(int(time.time()) + 30 * 86_400))


async def used(cache: CacheLayer, *meters: tuple[str, Meter]) -> tuple[int, ...]:
    """What counters stand at: asked by taking nothing."""
    asked = [replace(demand(name, meter, 0), hard=False) for name, meter in meters]
    return (await cache.admit("{acme}:onlooker", asked, hold_s=HOLD_S)).used


async def admit(cache: CacheLayer, ticket: str, *demands: Demand, hold_s: float = HOLD_S) -> Admission:
    """Ask for these."""
    return await cache.admit(f"{{acme}}:{ticket}", demands, hold_s=hold_s)


async def settle(cache: CacheLayer, ticket: str, **actual: int) -> bool:
    """Settle, with the names of one tenant."""
    return await cache.settle(f"{{acme}}:{ticket}", {named(name): amount for name, amount in actual.items()})


class MetersContract:
    """What holds for limits, budgets and tickets."""

    pytestmark = pytest.mark.asyncio

    async def test_a_bucket_gives_its_burst_and_says_when_there_is_more(self, cache: CacheLayer) -> None:
        assert (await admit(cache, "t", demand("b", SLOW, 5))).granted
        answer = await admit(cache, "u", demand("b", SLOW, 2))
        assert (answer.refused, answer.used) == (0, (5,))
        assert 1900 < answer.retry_after_s <= 2000

    async def test_a_bucket_refills(self, cache: CacheLayer) -> None:
        quick = Bucket(rate_per_s=1, burst=4)
        assert (await admit(cache, "t", demand("b", quick, 4))).granted
        answer = await admit(cache, "u", demand("b", quick, 2))
        assert answer.refused == 0
        await asyncio.sleep(answer.retry_after_s)
        assert (await admit(cache, "u", demand("b", quick, 2))).granted

    async def test_a_window_lets_in_its_limit_and_more_when_that_has_left(self, cache: CacheLayer) -> None:
        short = Window(limit=10, window_s=3)
        assert (await admit(cache, "t", demand("w", short, 10))).granted
        answer = await admit(cache, "u", demand("w", short, 1))
        assert (answer.refused, answer.used) == (0, (10,))
        assert 0 < answer.retry_after_s <= 3 * 31 / 30 + 0.001
        await asyncio.sleep(answer.retry_after_s)
        assert await admit(cache, "u", demand("w", short, 10)) == Admission(used=(10,))

    async def test_calls_at_once(self, cache: CacheLayer) -> None:
        for number in range(10):
            assert (await admit(cache, f"t{number}", demand("c", TEN))).used == (number + 1,)
        answer = await admit(cache, "u", demand("c", TEN))
        assert answer.refused == 0
        assert answer.retry_after_s > 0
        assert await settle(cache, "t3")
        assert (await admit(cache, "u", demand("c", TEN))).granted

    async def test_an_allowance_says_when_it_ends(self, cache: CacheLayer) -> None:
        budget = month()
        await cache.seed(named("a"), 0, ends_s=budget.ends_s)
        assert (await admit(cache, "t", demand("a", budget, 100))).granted
        answer = await admit(cache, "u", demand("a", budget))
        assert answer.refused == 0
        assert abs(answer.retry_after_s - (budget.ends_s - time.time())) < 60

    @pytest.mark.parametrize("meter", [SLOW, HOUR, TEN, month()])
    async def test_waiting_does_not_help_who_asks_for_more_than_there_is(self, cache: CacheLayer, meter: Meter) -> None:
        if isinstance(meter, Allowance):
            await cache.seed(named("x"), 0, ends_s=meter.ends_s)
        answer = await admit(cache, "t", demand("x", meter, 101))
        assert answer == Admission(used=(0,), refused=0, retry_after_s=0.0)

    async def test_takes_all_or_nothing(self, cache: CacheLayer) -> None:
        budget = month()
        await cache.seed(named("a"), 7, ends_s=budget.ends_s)
        meters = (("b", SLOW), ("w", HOUR), ("c", TEN), ("a", budget))
        for place, (name, meter) in enumerate(meters):
            asked = [demand(other, its, 200 if other == name else 1) for other, its in meters]
            answer = await admit(cache, "t", *asked)
            assert (answer.refused, answer.used) == (place, (0, 0, 0, 7)), (name, meter)
            assert await used(cache, *meters) == (0, 0, 0, 7)
            assert not await settle(cache, "t")
        answer = await admit(cache, "t", *(demand(name, meter, 2) for name, meter in meters))
        assert answer == Admission(used=(2, 2, 2, 9))

    async def test_names_the_first_that_does_not_fit(self, cache: CacheLayer) -> None:
        answer = await admit(cache, "t", demand("b", SLOW, 1), demand("w", HOUR, 101), demand("c", TEN, 11))
        assert answer.refused == 1

    async def test_a_soft_demand_is_counted_and_never_refuses(self, cache: CacheLayer) -> None:
        asked = [demand("b", SLOW, 6, hard=False), demand("w", HOUR, 150, hard=False), demand("c", TEN, 11, hard=False)]
        assert await admit(cache, "t", *asked) == Admission(used=(6, 150, 11))
        assert (await admit(cache, "u", *asked, demand("x", HOUR, 101))).refused == 3
        assert await used(cache, ("b", SLOW), ("w", HOUR), ("c", TEN)) == (6, 150, 11)

    async def test_an_allowance_that_nobody_began_takes_nothing(self, cache: CacheLayer) -> None:
        budget = month()
        asked = [demand("w", HOUR), demand("a", budget), demand("s", budget, hard=False)]
        assert await admit(cache, "t", *asked) == Admission(used=(0, 0, 0), unseeded=(1, 2))
        assert not await settle(cache, "t")
        await cache.seed(named("a"), 5, ends_s=budget.ends_s)
        assert (await admit(cache, "t", *asked)).unseeded == (2,)
        await cache.seed(named("s"), 500, ends_s=budget.ends_s)
        assert await admit(cache, "t", *asked) == Admission(used=(1, 6, 501))

    async def test_what_is_refused_anyway_asks_for_no_beginning(self, cache: CacheLayer) -> None:
        answer = await admit(cache, "t", demand("a", month()), demand("w", HOUR, 101))
        assert (answer.refused, answer.unseeded) == (1, ())

    async def test_an_allowance_begins_once(self, cache: CacheLayer) -> None:
        budget = month()
        for amount in (5, 90, 0):
            await cache.seed(named("a"), amount, ends_s=budget.ends_s)
        assert (await admit(cache, "t", demand("a", budget))).used == (6,)

    async def test_each_period_has_an_allowance_of_its_own(self, cache: CacheLayer) -> None:
        this = month()
        following = replace(this, ends_s=this.ends_s + 86_400)
        await cache.seed(named("a"), 100, ends_s=this.ends_s)
        assert (await admit(cache, "t", demand("a", following))).unseeded == (0,)
        await cache.seed(named("a"), 0, ends_s=following.ends_s)
        assert (await admit(cache, "t", demand("a", following, 60))).granted
        assert (await admit(cache, "t", demand("a", this))).refused == 0
        assert await used(cache, ("a", this), ("a", following)) == (100, 60)

    async def test_an_allowance_that_is_over_by_the_clock_still_counts(self, cache: CacheLayer) -> None:
        behind = Allowance(limit=10, ends_s=float(int(time.time()) - 40 * 86_400))
        await cache.seed(named("a"), 0, ends_s=behind.ends_s)
        assert (await admit(cache, "t", demand("a", behind, 10))).granted
        answer = await admit(cache, "u", demand("a", behind))
        assert answer.refused == 0
        assert answer.retry_after_s > 0

    @pytest.mark.parametrize("actual", [0, 3, 10, 40, 250])
    async def test_settling_counts_what_was_used(self, cache: CacheLayer, actual: int) -> None:
        budget = month()
        await cache.seed(named("a"), 1, ends_s=budget.ends_s)
        meters = (("b", SLOW), ("w", HOUR), ("c", TEN), ("a", budget))
        await admit(cache, "t", *(demand(name, meter, 5) for name, meter in meters))
        await admit(cache, "t", *(demand(name, meter, 5) for name, meter in meters[1:]))
        assert await settle(cache, "t", b=actual, w=actual, c=actual, a=actual, unheard_of=7)
        assert await used(cache, *meters) == (5, actual, 0, 1 + actual)

    async def test_what_is_not_named_keeps_what_was_taken(self, cache: CacheLayer) -> None:
        budget = month()
        await cache.seed(named("a"), 0, ends_s=budget.ends_s)
        meters = (("w", HOUR), ("c", TEN), ("a", budget))
        await admit(cache, "t", *(demand(name, meter, 4) for name, meter in meters))
        assert await settle(cache, "t", w=1)
        assert await used(cache, *meters) == (1, 0, 4)

    async def test_settling_twice_counts_once(self, cache: CacheLayer) -> None:
        await admit(cache, "t", demand("w", HOUR, 50), demand("c", TEN))
        await admit(cache, "u", demand("w", HOUR, 20), demand("c", TEN))
        assert await settle(cache, "t", w=10)
        assert not await settle(cache, "t", w=0)
        assert not await settle(cache, "never", w=0)
        assert await used(cache, ("w", HOUR), ("c", TEN)) == (30, 1)

    async def test_settled_by_many_at_once_it_counts_once(self, cache: CacheLayer) -> None:
        await admit(cache, "t", demand("w", HOUR, 50), demand("c", TEN))
        await admit(cache, "u", demand("w", HOUR, 50), demand("c", TEN))
        assert sum(await asyncio.gather(*(settle(cache, "t", w=10) for _ in range(20)))) == 1
        assert await used(cache, ("w", HOUR), ("c", TEN)) == (60, 1)

    async def test_a_call_that_settled_may_be_followed_by_one_of_its_name(self, cache: CacheLayer) -> None:
        for _ in range(3):
            await admit(cache, "t", demand("w", HOUR, 30), demand("c", TEN))
            assert await settle(cache, "t", w=10)
        assert await used(cache, ("w", HOUR), ("c", TEN)) == (30, 0)

    async def test_one_call_lasts_into_the_next_period(self, cache: CacheLayer) -> None:
        this = month()
        following = replace(this, ends_s=this.ends_s + 86_400)
        for budget in (this, following):
            await cache.seed(named("a"), 0, ends_s=budget.ends_s)
            assert (await admit(cache, "t", demand("a", budget, 40))).granted
        assert await settle(cache, "t", a=50)
        assert await used(cache, ("a", this), ("a", following)) == (40, 10)

    async def test_an_unsettled_call_lets_go_and_stays_spent(self, cache: CacheLayer) -> None:
        budget = month()
        await cache.seed(named("a"), 0, ends_s=budget.ends_s)
        meters = (("w", HOUR), ("c", TEN), ("a", budget))
        await admit(cache, "t", *(demand(name, meter, 4) for name, meter in meters), hold_s=SOON_S)
        await asyncio.sleep(SOON_S + MARGIN_S)
        assert not await settle(cache, "t", w=0, a=0)
        assert await used(cache, *meters) == (4, 0, 4)

    async def test_a_call_that_asks_for_more_is_held_longer(self, cache: CacheLayer) -> None:
        held_s = 1.0  # on a busy machine the second comes late, yet before this is over
        await admit(cache, "t", demand("w", HOUR, 4), demand("c", TEN), hold_s=held_s)
        await admit(cache, "t", demand("w", HOUR, 4))
        await asyncio.sleep(held_s + MARGIN_S)
        assert await used(cache, ("w", HOUR), ("c", TEN)) == (8, 1)
        assert await settle(cache, "t", w=1)
        assert await used(cache, ("w", HOUR), ("c", TEN)) == (1, 0)

    async def test_a_limit_may_change_under_its_counter(self, cache: CacheLayer) -> None:
        await admit(cache, "t", demand("w", HOUR, 60), demand("c", TEN, 6))
        lower = (demand("w", Window(limit=50, window_s=3600)), demand("c", Concurrency(limit=5)))
        assert [(await admit(cache, "u", one)).refused for one in lower] == [0, 0]
        assert (await admit(cache, "u", demand("w", Window(limit=70, window_s=3600), 10))).granted

    async def test_nobody_passes_a_budget_in_a_race(self, cache: CacheLayer) -> None:
        budget = month(limit=10)
        await cache.seed(named("a"), 0, ends_s=budget.ends_s)
        asked = [demand("a", budget), demand("w", HOUR), demand("c", Concurrency(limit=64))]
        answers = await asyncio.gather(*(admit(cache, f"t{number}", *asked) for number in range(64)))
        assert sum(answer.granted for answer in answers) == 10
        assert sorted(answer.used[0] for answer in answers if answer.granted) == list(range(1, 11))
        assert await used(cache, ("a", budget), ("w", HOUR), ("c", TEN)) == (10, 10, 10)

    @pytest.mark.parametrize("meter", [Window(limit=MOST, window_s=3600), Concurrency(limit=MOST), month(MOST)])
    async def test_counts_exactly_up_to_the_most(self, cache: CacheLayer, meter: Meter) -> None:
        if isinstance(meter, Allowance):
            await cache.seed(named("x"), MOST - 3, ends_s=meter.ends_s)
        else:
            await admit(cache, "t", demand("x", meter, MOST - 3))
        assert (await admit(cache, "u", demand("x", meter, 2))).used == (MOST - 1,)
        assert (await admit(cache, "v", demand("x", meter, 2))).refused == 0
        assert (await admit(cache, "v", demand("x", meter, 1))).used == (MOST,)
        assert (await admit(cache, "w", demand("x", meter, 5, hard=False))).used == (MOST,)

    @pytest.mark.parametrize("amount", [-1, MOST + 1, 2**64])
    async def test_refuses_amounts_that_are_none(self, cache: CacheLayer, amount: int) -> None:
        budget = month()
        for meter in (SLOW, HOUR, TEN, budget):
            with pytest.raises(StorageError):
                await admit(cache, "t", demand("x", meter, amount))
        limits: tuple[Meter, ...] = (Window(limit=amount, window_s=60), Concurrency(limit=amount), month(amount))
        for meter in (*limits, Bucket(rate_per_s=1, burst=amount)):
            with pytest.raises(StorageError):
                await admit(cache, "t", demand("x", meter))
        with pytest.raises(StorageError):
            await cache.seed(named("x"), amount, ends_s=budget.ends_s)
        await admit(cache, "t", demand("x", HOUR, 5))
        with pytest.raises(StorageError):
            await settle(cache, "t", x=amount)
        assert await settle(cache, "t", x=3)

    @pytest.mark.parametrize(
        "meter",
        [
            Bucket(rate_per_s=0, burst=1),
            Bucket(rate_per_s=-1, burst=1),
            Bucket(rate_per_s=nan, burst=1),
            Bucket(rate_per_s=inf, burst=1),
            Window(limit=1, window_s=0),
            Window(limit=1, window_s=nan),
            Window(limit=1, window_s=1e300),
            Allowance(limit=1, ends_s=-1),
            Allowance(limit=1, ends_s=nan),
            Allowance(limit=1, ends_s=inf),
        ],
    )
    async def test_refuses_meters_that_are_none(self, cache: CacheLayer, meter: Meter) -> None:
        with pytest.raises(StorageError):
            await admit(cache, "t", demand("x", meter))

    @pytest.mark.parametrize("meter", [Bucket(rate_per_s=1e-300, burst=3), Bucket(rate_per_s=1e300, burst=3)])
    async def test_counts_by_any_rate(self, cache: CacheLayer, meter: Bucket) -> None:
        assert (await admit(cache, "t", demand("x", meter, 3))).granted
        assert (await admit(cache, "t", demand("x", meter, 1))).granted == (meter.rate_per_s > 1)

    async def test_refuses_one_counter_twice_in_a_call(self, cache: CacheLayer) -> None:
        with pytest.raises(StorageError, match="twice"):
            await admit(cache, "t", demand("w", HOUR), demand("c", TEN), demand("w", HOUR))
        assert await used(cache, ("w", HOUR)) == (0,)

    async def test_a_call_without_demands_is_granted(self, cache: CacheLayer) -> None:
        assert await admit(cache, "t") == Admission()
        assert await settle(cache, "t")

    async def test_names_and_tickets_are_any_text(self, cache: CacheLayer) -> None:
        for name in HARD_NAMES:
            asked = [Demand(name=name, amount=4, meter=HOUR), Demand(name=name, amount=1, meter=TEN)]
            assert await cache.admit(name, asked, hold_s=HOLD_S) == Admission(used=(4, 1))
        for name in HARD_NAMES:
            assert await cache.settle(name, {name: 2})
            asked = [Demand(name=name, amount=0, meter=HOUR), Demand(name=name, amount=0, meter=TEN)]
            assert (await cache.admit("t", asked, hold_s=HOLD_S)).used == (2, 0)
