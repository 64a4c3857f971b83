"""A crash loop begins with many deaths in a short time, and ends with a long life at work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.children.crash_loop import DEATHS, WITHIN_S, CrashLoop


@pytest.mark.parametrize(
    ("deaths_s", "on"),
    [
        ([], False),
        ([0, 1, 2, 3], False),
        ([0, 1, 2, 3, 4], True),
        ([0, 15, 30, 45, 60], True),
        ([0, 15, 30, 45, 60.1], False),
        ([0, 50, 100, 150, 200, 250, 300], False),
        ([0, 50, 100, 101, 102, 103, 104], True),
    ],
)
def test_it_begins_with_many_deaths_in_a_short_time(deaths_s: list[float], on: bool) -> None:
    loop = CrashLoop()
    for now_s in deaths_s:
        loop.died(now_s)
    assert loop.is_on(deaths_s[-1] if deaths_s else 0.0, None) is on


def begun() -> CrashLoop:
    loop = CrashLoop()
    assert [loop.died(float(now_s)) for now_s in range(DEATHS)] == [False] * (DEATHS - 1) + [True]
    return loop


def test_waiting_between_its_starts_does_not_end_it() -> None:
    loop = begun()
    for now_s in range(100, 1000, 100):
        assert loop.is_on(now_s, None)
        assert loop.died(now_s + 50.0)


@pytest.mark.parametrize(("lived_s", "on"), [(0.0, True), (WITHIN_S - 0.1, True), (WITHIN_S, False), (1e6, False)])
def test_a_long_life_at_work_ends_it(lived_s: float, on: bool) -> None:
    assert begun().is_on(100.0 + lived_s, 100.0) is on


def test_after_its_end_it_takes_as_many_deaths_again() -> None:
    loop = begun()
    assert not loop.is_on(200.0, 100.0)
    assert [loop.died(200.0 + now_s) for now_s in range(DEATHS)] == [False] * (DEATHS - 1) + [True]


@given(st.lists(st.floats(0, 1e4), max_size=60))
def test_few_deaths_in_any_minute_are_none(pauses_s: list[float]) -> None:
    loop, now_s, deaths = CrashLoop(), 0.0, list[float]()
    for pause_s in pauses_s:
        now_s += pause_s
        deaths.append(now_s)
        loop.died(now_s)
    met = any(late - early <= WITHIN_S for early, late in zip(deaths, deaths[DEATHS - 1 :], strict=False))
    assert loop.is_on(now_s, None) is met
