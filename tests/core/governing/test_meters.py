"""The pure counters, against what an onlooker would add up."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.errors import StorageError
from midwatch_core.governing.asking import check_demands
from midwatch_core.governing.counters import Counters
from midwatch_core.governing.meters import Holding, SlidingWindow, Spending, TokenBucket, lifetime_us
from midwatch_core.governing.moment import Moment
from midwatch_core.metering import SLOTS, Allowance, Bucket, Concurrency, Demand, Meter, Window

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
WALL_US = 1_800_000_000 * SECOND_US
MINUTE = Window(limit=10, window_s=60)

_gaps = st.lists(st.tuples(st.integers(0, 3 * SECOND_US), st.integers(1, 6)), min_size=1, max_size=60)


def at(now_us: int) -> Moment:
    """A moment of which both clocks say the same."""
    return Moment(now_us=now_us, wall_us=WALL_US + now_us)


def one(name: str, meter: Meter, amount: int = 1, *, hard: bool = True) -> list[Demand]:
    """A single demand."""
    return [Demand(name=name, amount=amount, meter=meter, hard=hard)]


def granted(meter: Bucket | Window, gaps: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """When how much was granted, of amounts asked for one after the other."""
    counters, now_us, taken = Counters(), 0, []
    for gap_us, amount in gaps:
        now_us += gap_us
        if counters.admit("t", one("x", meter, amount), hold_s=1e6, at=at(now_us)).granted:
            taken.append((now_us, amount))
    return taken


@given(gaps=_gaps)
def test_no_window_of_time_ever_holds_more_than_its_limit(gaps: list[tuple[int, int]]) -> None:
    window = Window(limit=10, window_s=4)
    taken = granted(window, gaps)
    for end_us, _ in taken:
        assert sum(amount for when_us, amount in taken if end_us - 4 * SECOND_US < when_us <= end_us) <= 10


@given(gaps=_gaps)
def test_what_left_a_window_long_enough_ago_is_free_again(gaps: list[tuple[int, int]]) -> None:
    window = Window(limit=10, window_s=4)
    taken = granted(window, gaps)
    now_us = 0
    for gap_us, amount in gaps:
        now_us += gap_us
        recent = sum(held for when_us, held in taken if now_us - 4 * SECOND_US - window.slot_us < when_us < now_us)
        same = sum(held for when_us, held in taken if when_us == now_us)
        assert same or recent + amount > 10


@given(gaps=_gaps)
def test_a_bucket_gives_its_burst_and_its_rate_and_nothing_above(gaps: list[tuple[int, int]]) -> None:
    taken = granted(Bucket(rate_per_s=2, burst=8), gaps)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            seconds = (taken[last][0] - taken[first][0]) / SECOND_US
            assert sum(amount for _, amount in taken[first : last + 1]) <= 8 + 2 * seconds + 1e-3


@pytest.mark.parametrize(("missing", "amount"), [(10, 1), (10, 10), (7, 4), (3, 8)])
def test_a_bucket_has_what_it_promised_when_it_promised_it(missing: int, amount: int) -> None:
    meter, bucket = Bucket(rate_per_s=0.7, burst=10), TokenBucket()
    bucket.take(meter, missing, at(5))
    wait_us = bucket.wait_us(meter, amount, at(5))
    assert wait_us == ceil((missing + amount - 10) * SECOND_US / 0.7)
    assert bucket.wait_us(meter, amount, at(5 + wait_us - 10)) > 0
    assert bucket.wait_us(meter, amount, at(5 + wait_us)) == 0


def test_a_bucket_shows_whole_tokens() -> None:
    meter, bucket = Bucket(rate_per_s=1, burst=10), TokenBucket()
    bucket.take(meter, 4, at(0))
    assert [bucket.used(meter, at(ms * 1000)) for ms in (0, 1, 1000, 1001, 3999, 4000, 9000)] == [4, 4, 3, 3, 1, 0, 0]
    assert not bucket.idle(at(3_999_999))
    assert bucket.idle(at(4 * SECOND_US))


def test_a_slot_counts_whole_until_it_is_all_out() -> None:
    window = SlidingWindow()
    assert MINUTE.slot_us == 2 * SECOND_US
    window.take(MINUTE, 4, at(3_000_000))  # slot 1: from 2 s to 4 s
    window.take(MINUTE, 6, at(5_000_000))  # slot 2
    assert window.wait_us(MINUTE, 4, at(5_000_000)) == (1 + SLOTS + 1) * 2 * SECOND_US - 5_000_000
    assert window.wait_us(MINUTE, 5, at(5_000_000)) == (2 + SLOTS + 1) * 2 * SECOND_US - 5_000_000
    assert window.used(MINUTE, at(64 * SECOND_US - 1)) == 10
    assert window.used(MINUTE, at(64 * SECOND_US)) == 6
    assert window.wait_us(MINUTE, 4, at(64 * SECOND_US)) == 0
    assert not window.idle(at(66 * SECOND_US - 1))
    assert window.idle(at(66 * SECOND_US))


@pytest.mark.parametrize("window_s", [1, 1.0001, 7, 60, 86_400 * 7, 1e-9])
def test_the_slots_of_a_window_are_never_shorter_than_it(window_s: float) -> None:
    slot_us = Window(limit=1, window_s=window_s).slot_us
    assert slot_us >= 1
    assert slot_us * SLOTS >= window_s * SECOND_US
    assert (slot_us - 1) * SLOTS <= window_s * SECOND_US


def test_a_correction_counts_in_the_slot_it_was_taken_in() -> None:
    window = SlidingWindow()
    slot = window.take(MINUTE, 4, at(0))
    window.take(MINUTE, 6, at(30 * SECOND_US))
    window.correct(slot, -3)
    assert window.used(MINUTE, at(61 * SECOND_US)) == 7
    assert window.used(MINUTE, at(62 * SECOND_US)) == 6
    window.correct(slot, +100)
    assert window.used(MINUTE, at(62 * SECOND_US)) == 6


def test_held_calls_have_no_known_end() -> None:
    meter, holding = Concurrency(limit=2), Holding()
    holding.take(meter, 2, at(0))
    assert holding.wait_us(meter, 1, at(0)) > 0
    holding.correct(0, -1)
    assert holding.wait_us(meter, 1, at(0)) == 0
    assert not holding.idle(at(10**15))


def test_an_allowance_waits_for_its_end_by_the_wall_clock() -> None:
    meter, spending = Allowance(limit=5, ends_s=WALL_US / SECOND_US + 10), Spending(5)
    assert spending.wait_us(meter, 1, at(0)) == 10 * SECOND_US
    assert spending.wait_us(meter, 1, Moment(now_us=0, wall_us=WALL_US + 60 * SECOND_US)) == 1
    assert spending.wait_us(meter, 0, at(0)) == 0


@pytest.mark.parametrize(("to_end_us", "expected_us"), [(DAY_US, 2 * DAY_US), (-DAY_US, DAY_US), (9**20, 401 * DAY_US)])
def test_an_allowance_is_kept_for_a_day_longer(to_end_us: int, expected_us: int) -> None:
    assert lifetime_us(WALL_US + to_end_us, WALL_US) == expected_us


def test_a_stream_longer_than_its_window_frees_nothing_that_others_took() -> None:
    counters, meter = Counters(), Window(limit=1000, window_s=30)
    for second in range(60):
        counters.admit("long", one("x", meter), hold_s=900, at=at(second * SECOND_US))
        counters.admit("other", one("x", meter), hold_s=900, at=at(second * SECOND_US))
    end = at(59 * SECOND_US)
    assert counters.admit("look", one("x", meter, 0), hold_s=1, at=end).used == (62,)
    assert counters.settle("long", {"x": 40}, at=end)
    # Of its 60 units 40 were used: first the 29 that have left, then 11 of the 31 that are still counted.
    assert counters.admit("look", one("x", meter, 0), hold_s=1, at=end).used == (31 + 11,)


def test_what_is_out_of_time_goes() -> None:
    counters = Counters()
    meters: list[Meter] = [Bucket(rate_per_s=1, burst=5), Window(limit=5, window_s=1), Concurrency(limit=5)]
    for number in range(5000):
        moment = at(number * SECOND_US // 10)
        asked = [Demand(name=f"{{a}}:{number}", amount=1, meter=meter) for meter in meters]
        assert counters.admit(f"t{number}", asked, hold_s=3, at=moment).granted
        if number % 2:
            assert counters.settle(f"t{number}", {}, at=moment)
    # In three seconds come thirty calls, each with a ticket and three counters; as much again may wait to be looked at.
    assert len(counters) < 2 * 30 * 4


def test_what_stays_for_long_keeps_little_else_from_going() -> None:
    counters = Counters()
    for number in range(5000):
        counters.seed(f"{{a}}:{number}", 1, ends_s=0.0, at=at(number))
        counters.admit("t", one(f"{{b}}:{number}", Bucket(rate_per_s=1e9, burst=5)), hold_s=60, at=at(number))
    assert 5000 < len(counters) < 2 * 5000
    for number in range(10_000):
        counters.admit("t", one(f"{{c}}:{number}", MINUTE), hold_s=60, at=at(3 * DAY_US + number * SECOND_US))
    assert len(counters) < 2 * 64 + 2


def test_settled_tickets_leave_nothing_behind() -> None:
    counters = Counters()
    for number in range(2000):
        counters.admit(f"t{number}", one("x", Concurrency(limit=1)), hold_s=1e6, at=at(number))
        assert counters.settle(f"t{number}", {}, at=at(number))
    assert len(counters) == 1


def test_refusals_leave_nothing_behind() -> None:
    counters = Counters()
    for number in range(100):
        assert not counters.admit(f"t{number}", one(f"x{number}", MINUTE, 11), hold_s=60, at=at(number)).granted
    assert len(counters) == 0


def test_a_window_of_another_length_is_another_counter() -> None:
    counters, hour = Counters(), replace(MINUTE, window_s=3600)
    asked = [*one("x", MINUTE, 3), *one("x", hour, 4)]
    assert counters.admit("t", asked, hold_s=60, at=at(0)).used == (3, 4)
    assert counters.settle("t", {"x": 2}, at=at(0))
    assert counters.admit("t", [*one("x", MINUTE, 0), *one("x", hour, 0)], hold_s=60, at=at(0)).used == (2, 2)


def test_says_which_counter_was_asked_for_twice() -> None:
    with pytest.raises(StorageError, match="'b'"):
        check_demands([*one("a", MINUTE), *one("b", MINUTE), *one("b", MINUTE)], 60)


@pytest.mark.parametrize("amount", [1.5, -1, 2**53, None, "1"])
def test_refuses_what_is_no_amount(amount: int) -> None:
    with pytest.raises(StorageError, match="no amount"):
        check_demands(one("a", MINUTE, amount), 60)
