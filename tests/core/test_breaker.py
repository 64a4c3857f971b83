"""The breaker as a table, and what holds of it whatever happens in whatever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.breaker import Breaker, BreakerState, worst
from midwatch_core.storage_settings import BreakerSettings


def opened(at_s: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(10):
        assert breaker.allows(at_s)
        breaker.failed(at_s)
    return breaker


def test_ten_failures_in_a_row_open_it_and_nine_do_not() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(9):
            breaker.failed(0.0)
        breaker.succeeded()
    assert (breaker.state, breaker.in_a_row) == (BreakerState.CLOSED, 0)
    assert opened().state is BreakerState.OPEN


@pytest.mark.parametrize(("now_s", "allowed"), [(0.0, False), (29.9, False), (30.0, True), (1e9, True)])
def test_it_is_open_for_its_time(now_s: float, allowed: bool) -> None:
    assert opened().allows(now_s) is allowed


def test_three_probes_that_succeed_close_it() -> None:
    breaker = opened()
    for _ in range(3):
        assert breaker.allows(30.0)
        assert breaker.state is BreakerState.HALF_OPEN
        breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_only_three_probes_are_out_at_once() -> None:
    breaker = opened()
    assert [breaker.allows(30.0) for _ in range(5)] == [True, True, True, False, False]
    breaker.succeeded()
    assert not breaker.allows(31.0)


def test_probes_that_never_come_back_make_room_after_a_while() -> None:
    breaker = opened()
    for _ in range(3):
        breaker.allows(30.0)
    breaker.succeeded()
    assert [breaker.allows(60.0) for _ in range(3)] == [True, True, False]


def test_a_probe_that_fails_opens_it_again_and_earlier_probes_are_forgotten() -> None:
    breaker = opened()
    for succeeds in (True, True, False):
        assert breaker.allows(30.0)
        breaker.succeeded() if succeeds else breaker.failed(31.0)
    assert [breaker.allows(60.0), breaker.allows(61.0)] == [False, True]
    breaker.succeeded()
    assert breaker.state is BreakerState.HALF_OPEN


def test_late_answers_change_nothing_while_it_is_open() -> None:
    breaker = opened()
    breaker.succeeded()
    breaker.failed(29.0)
    assert breaker.state is BreakerState.OPEN
    assert breaker.allows(30.0)


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"probes": 0}, {"open_s": -1.0}])
def test_what_makes_no_breaker_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a breaker needs"):
        Breaker(**wrong)  # type: ignore[arg-type]


def test_it_takes_its_thresholds_from_the_settings() -> None:
    breaker = Breaker.of(BreakerSettings(failures=1, open_s=5, probes=1))
    breaker.failed(0.0)
    assert [breaker.allows(4.9), breaker.allows(5.0)] == [False, True]
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_it_says_how_long_asking_makes_no_sense() -> None:
    breaker = opened(at_s=2.0)
    assert [breaker.wait_s(2.0), breaker.wait_s(31.5), breaker.wait_s(40.0)] == [30.0, 0.5, 0.0]
    assert Breaker().wait_s(7.0) == 0.0
    breaker.allows(40.0)
    assert breaker.wait_s(40.0) == 0.0


@pytest.mark.parametrize(
    ("states", "together", "level"),
    [
        ([], BreakerState.CLOSED, 0),
        ([BreakerState.CLOSED, BreakerState.HALF_OPEN], BreakerState.HALF_OPEN, 1),
        ([BreakerState.HALF_OPEN, BreakerState.OPEN, BreakerState.CLOSED], BreakerState.OPEN, 2),
    ],
)
def test_several_are_as_bad_as_the_worst(states: list[BreakerState], together: BreakerState, level: int) -> None:
    assert worst(states) is together
    assert together.level == level


@given(st.lists(st.tuples(st.sampled_from(["ask", "good", "bad"]), st.floats(0, 40))))
def test_it_never_lets_more_through_than_it_may(events: list[tuple[str, float]]) -> None:
    breaker, now_s, row, opened_s = Breaker(failures=3), 0.0, 0, None
    for event, after_s in events:
        now_s += after_s
        if event == "ask":
            allowed = breaker.allows(now_s)
            if breaker.state is BreakerState.CLOSED:
                assert allowed
            elif opened_s is not None and now_s < opened_s + 30:
                assert not allowed
        elif event == "good":
            breaker.succeeded()
        else:
            before = breaker.state
            breaker.failed(now_s)
            if breaker.state is BreakerState.OPEN and before is not BreakerState.OPEN:
                opened_s = now_s
        if breaker.state is not BreakerState.OPEN:
            opened_s = None
        row = breaker.in_a_row
        assert breaker.state is not BreakerState.CLOSED or row < 3
