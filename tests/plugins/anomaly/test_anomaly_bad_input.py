"""Clocks that jump, machines that sleep, numbers that are none, and clients that make up names."""

import math

import pytest

from midwatch_anomaly.bucket import OTHER, WHOLE, Bucket
from midwatch_anomaly.change import Scope
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.watching import Watcher
from tests.plugins.anomaly.anomaly_traffic import DAY, HOUR, Life, calls, told


@pytest.fixture
def known() -> Life:
    """A week of steady traffic."""
    life = Life(Settings())
    assert life.live(6 * DAY) == []
    return life


@pytest.mark.parametrize("minutes", [10, 3 * DAY, 40 * DAY], ids=["ten minutes", "three days", "forty days"])
def test_a_clock_put_forward_is_no_stop_and_forgets_nobody(known: Life, minutes: int) -> None:
    count = known.watcher.count
    known.minute += minutes
    assert known.live(2 * HOUR) == []
    assert known.watcher.count == count
    assert ("began", "calls", "high") in told(known.live(3, 300))


@pytest.mark.parametrize("minutes", [1, 10, 3 * DAY], ids=["a minute", "ten minutes", "three days"])
def test_a_clock_put_back_neither_stops_anybody_nor_counts_twice(known: Life, minutes: int) -> None:
    known.minute -= minutes
    assert known.live(2 * HOUR) == []
    assert ("began", "calls", "high") in told(known.live(3, 300))


def test_calls_that_wait_when_the_clock_is_put_back_are_not_lost(known: Life) -> None:
    for number in range(3):
        known.watcher.take(known.now_s + number * 60, calls(100))
    known.minute -= 500
    assert known.watcher.close(known.now_s) == []
    known.minute += 1
    assert ("began", "calls", "high") in told(known.watcher.close(known.now_s))


def test_a_process_that_slept_judges_what_it_had_and_misses_nobody(known: Life) -> None:
    known.watcher.take(known.now_s, calls(300))
    known.minute += 9 * HOUR
    assert ("began", "calls", "high") in told(known.watcher.close(known.now_s))


def test_what_comes_while_nobody_closes_takes_few_buckets() -> None:
    watcher = Watcher()
    for minute in range(10_000):
        watcher.take(minute * 60.0, calls(1))
    watcher.close(10_000 * 60.0)
    assert watcher.tenants() == ["acme"]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -1.0, 1e300], ids=str)
def test_numbers_that_are_none_change_nothing(number: float) -> None:
    life = Life()
    for _ in range(6 * HOUR):
        strange = Measurement(
            tenant="acme",
            agent="coder",
            cost_usd=number,
            input_tokens=number,
            output_tokens=number,
            latency_ms=number,
            ttft_ms=number,
            timed=1,
            first_timed=1,
        )
        assert life.pass_minute([strange]) == []
    cells = [cell for series in life.watcher.series("acme") for cell in series.cells]
    assert all(math.isfinite(cell) for cell in cells)


def test_the_largest_numbers_stay_finite() -> None:
    life = Life()
    for _ in range(3 * HOUR):
        life.pass_minute([Measurement(tenant="acme", calls=10**9, cost_usd=9e14, input_tokens=9e14, latency_ms=9e14)])
    assert all(math.isfinite(cell) for series in life.watcher.series("acme") for cell in series.cells)


def test_a_hundred_thousand_names_are_a_bounded_number_of_series() -> None:
    settings = Settings(most_names=20)
    watcher = Watcher(settings)
    for minute in range(10):
        names = range(minute * 10_000, (minute + 1) * 10_000)
        watcher.take(minute * 60.0, [Measurement(tenant="acme", model=f"m{name}", agent=f"a{name}") for name in names])
        watcher.close(minute * 60.0 + 60)
    assert watcher.count == 1 + 2 * (20 + 1)


def test_what_is_beyond_the_names_is_summed_as_other() -> None:
    bucket = Bucket(2)
    bucket.take([Measurement(tenant="acme", model=f"m{number}") for number in range(10)])
    parts = {name: sums[0] for (scope, name), sums in bucket.tenants["acme"].items() if scope is Scope.MODEL}
    assert parts == {"m0": 1, "m1": 1, OTHER: 8}
    assert bucket.tenants["acme"][WHOLE][0] == 10


def test_a_long_name_is_cut() -> None:
    bucket = Bucket(10)
    bucket.take([Measurement(tenant="acme", model="m" * 100_000)])
    assert max(len(name) for _, name in bucket.tenants["acme"]) == 120


def test_series_in_all_are_bounded_and_tenants_have_room_after_parts() -> None:
    settings = Settings(most_series=100)
    watcher = Watcher(settings)
    watcher.take(0, [Measurement(tenant=f"t{number}", agent="a", model="m") for number in range(200)])
    watcher.close(60)
    assert watcher.count == 100
    assert watcher.unwatched == 200 - len(watcher.tenants())
    assert len(watcher.tenants()) > 30


def test_names_that_are_not_used_any_more_are_forgotten_and_what_ran_of_them_is_over() -> None:
    life = Life(Settings(warm_up_h=1, hour_of_day=False, forget_days=1))
    life.live(6 * HOUR, tenant="gone")
    life.live(5, 300, tenant="gone")
    assert ("over", "calls", "high") in told(life.live(2 * DAY, tenant="stays"))
    assert life.watcher.tenants() == ["stays"]


def test_tenants_do_not_know_of_each_other() -> None:
    life = Life()
    for _ in range(6 * HOUR):
        life.pass_minute(calls(life.near(30), tenant="a") + calls(life.near(300), tenant="b"))
    (change,) = life.pass_minute(calls(300, tenant="a") + calls(300, tenant="b"))
    assert change.explanation.tenant == "a"
