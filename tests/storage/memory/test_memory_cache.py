"""The cache of one process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from midwatch_core import Allowance, CacheLayer, Concurrency, ConfigError, Demand, ImmediateMeters, Window
from midwatch_core.testing.cache_contract import CacheLayerContract
from midwatch_memory import open_cache
from midwatch_memory.cache import MemoryCache
from midwatch_memory.passing import Passing

DAY_S = 86_400.0
WINDOW = Window(limit=5, window_s=60)


class SetClock:
    """A clock that says what it is told to."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.monotonic_s = 1000.0

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.fromtimestamp(self.wall_s, UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return self.monotonic_s

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.wall_s += seconds
        self.monotonic_s += seconds


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def set_cache(clock: SetClock) -> MemoryCache:
    cache = MemoryCache(clock)
    await cache.start()
    return cache


def spend(cache: MemoryCache, budget: Allowance, amount: int) -> bool | None:
    """Whether it was granted; None where it has no beginning."""
    answer = cache.admit_now("t", [Demand(name="{a}:b", amount=amount, meter=budget)], hold_s=60)
    return None if answer.unseeded else answer.granted


class TestMemoryCache(CacheLayerContract):
    @pytest.fixture
    async def cache(self) -> AsyncIterator[CacheLayer]:
        cache = open_cache("memory://")
        assert cache is not None
        await cache.start()
        yield cache
        await cache.close()


@pytest.mark.parametrize("url", ["memory://here", "memory://?exchanges=5"])
def test_refuses_other_words(url: str) -> None:
    with pytest.raises(ConfigError, match="memory://"):
        open_cache(url)


@pytest.mark.parametrize("url", ["redis://x", "", "memory", "MEMORY://"])
def test_leaves_other_schemes(url: str) -> None:
    assert open_cache(url) is None


async def test_it_answers_without_waiting(set_cache: MemoryCache) -> None:
    assert isinstance(set_cache, ImmediateMeters)
    asked = [Demand(name="{a}:w", amount=5, meter=WINDOW)]
    assert set_cache.admit_now("t", asked, hold_s=60).granted
    assert set_cache.admit_now("u", asked, hold_s=60).refused == 0
    assert set_cache.settle_now("t", {"{a}:w": 0})
    assert set_cache.admit_now("u", asked, hold_s=60).granted


async def test_a_clock_that_jumps_ahead_and_back_finds_the_same_allowance(
    set_cache: MemoryCache, clock: SetClock
) -> None:
    budget = Allowance(limit=10, ends_s=clock.wall_s + DAY_S)
    await set_cache.seed("{a}:b", 0, ends_s=budget.ends_s)
    assert spend(set_cache, budget, 10)
    clock.wall_s += 365 * DAY_S
    await set_cache.seed("{a}:b", 0, ends_s=budget.ends_s)
    assert not spend(set_cache, budget, 1)
    clock.wall_s -= 365 * DAY_S
    await set_cache.seed("{a}:b", 0, ends_s=budget.ends_s)
    assert spend(set_cache, budget, 1) is False


async def test_a_clock_that_was_ahead_leaves_no_spent_period_behind(set_cache: MemoryCache, clock: SetClock) -> None:
    far = Allowance(limit=10, ends_s=clock.wall_s + 366 * DAY_S)
    await set_cache.seed("{a}:b", 10, ends_s=far.ends_s)
    near = Allowance(limit=10, ends_s=clock.wall_s + DAY_S)
    assert spend(set_cache, near, 1) is None
    await set_cache.seed("{a}:b", 0, ends_s=near.ends_s)
    assert spend(set_cache, near, 1)


async def test_the_wall_clock_moves_no_window_and_no_hold(set_cache: MemoryCache, clock: SetClock) -> None:
    asked = [
        Demand(name="{a}:w", amount=5, meter=WINDOW),
        Demand(name="{a}:c", amount=1, meter=Concurrency(limit=1)),
    ]
    assert set_cache.admit_now("t", asked, hold_s=60).granted
    for jump_s in (1e6, -2e6):
        clock.wall_s += jump_s
        assert [set_cache.admit_now("u", [one], hold_s=60).refused for one in asked] == [0, 0]
    clock.wait(63)
    assert set_cache.admit_now("u", asked, hold_s=60).granted


async def test_values_and_leases_out_of_time_go(clock: SetClock) -> None:
    kept: Passing[bytes] = Passing()
    for number in range(10_000):
        kept.keep(f"k{number}", b"x", clock.monotonic() + 1, clock.monotonic())
        clock.wait(0.01)
    assert len(kept) <= 250
    assert kept.get("k9999", clock.monotonic()) == b"x"
