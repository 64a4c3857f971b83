"""Troubles as tables, and what holds of them whatever happens: they begin and end in turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.breaker import SECURITY, STORE, BreakerState
from midwatch_core.troubles import AWAY_S, LOSS_S, NEW_S, Change, Condition, Troubles

OPEN, HALF_OPEN, CLOSED = BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED


def told(changes: tuple[Change, ...]) -> list[str]:
    return [f"{'+' if change.began else '-'}{change.trouble.fingerprint}" for change in changes]


def run(*looks: tuple[float, Condition]) -> list[list[str]]:
    troubles = Troubles()
    return [told(troubles.look(condition, now_s)) for now_s, condition in looks]


def filled(part: float) -> Condition:
    return Condition(journal_bytes=int(part * 1000), journal_max_bytes=1000)


def test_an_installation_that_is_well_has_none() -> None:
    healthy = Condition(breakers={STORE: CLOSED, SECURITY: CLOSED}, journal_bytes=700, journal_max_bytes=1000)
    assert run((0, healthy), (1, healthy), (1e9, healthy)) == [[], [], []]


def test_an_open_breaker_is_in_trouble_until_it_is_closed() -> None:
    states = [HALF_OPEN, OPEN, OPEN, HALF_OPEN, OPEN, HALF_OPEN, CLOSED, OPEN]
    looks = [(float(now), Condition(breakers={STORE: state})) for now, state in enumerate(states)]
    assert run(*looks) == [[], ["+breaker:store"], [], [], [], [], ["-breaker:store"], ["+breaker:store"]]


def test_each_part_has_a_trouble_of_its_own_that_says_what_calls_meet() -> None:
    troubles = Troubles()
    troubles.look(Condition(breakers={STORE: OPEN, SECURITY: OPEN}), 0)
    assert [trouble.title for trouble in troubles.current] == [
        "the store breaker is open: nothing is stored, the journal keeps",
        "the security breaker is open: a detector is not asked, and policy says whether calls pass without it",
    ]


def test_a_store_is_missed_only_after_a_while_and_a_short_absence_is_no_news() -> None:
    away, there = Condition(store_available=False), Condition()
    assert run((0, away), (AWAY_S - 1, away), (AWAY_S, there), (AWAY_S + 1, away), (2 * AWAY_S, away)) == [[]] * 5
    assert run((0, away), (AWAY_S, away), (60, away), (61, there)) == [
        [],
        ["+store:unavailable"],
        [],
        ["-store:unavailable"],
    ]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([0.79, 0.8, 0.75, 0.81, 0.69], [[], ["+journal:filling"], [], [], ["-journal:filling"]]),
        ([0.9, 0.0], [["+journal:filling"], ["-journal:filling"]]),
    ],
)
def test_a_filling_journal_is_one_trouble_until_it_has_drained(parts: list[float], expected: list[list[str]]) -> None:
    assert run(*((float(now), filled(part)) for now, part in enumerate(parts))) == expected


def test_losses_are_one_trouble_until_none_came_for_a_while() -> None:
    looks = [(0.0, 0), (9.0, 3), (10.0, 3), (200.0, 4), (100 + LOSS_S, 4), (200 + LOSS_S, 4), (900.0, 2), (901.0, 5)]
    assert run(*((now_s, Condition(dropped=dropped)) for now_s, dropped in looks)) == [
        [],
        ["+journal:dropped"],
        [],
        [],
        [],
        ["-journal:dropped"],
        [],
        ["+journal:dropped"],
    ]


def test_losses_of_before_this_control_are_no_news() -> None:
    assert run((0, Condition()), (NEW_S - 1, Condition(dropped=3)), (60, Condition(dropped=3))) == [[], [], []]


def test_a_plugin_that_is_not_asked_is_in_trouble_until_its_trial_is_over() -> None:
    disabled, trial, well = Condition(disabled={"a": "hangs"}), Condition(on_trial=frozenset({"a", "b"})), Condition()
    assert run((0, trial), (1, disabled), (2, trial), (3, disabled), (4, trial), (5, well)) == [
        [],
        ["+plugin:a"],
        [],
        [],
        [],
        ["-plugin:a"],
    ]


conditions = st.builds(
    Condition,
    breakers=st.dictionaries(st.sampled_from([STORE, SECURITY]), st.sampled_from(BreakerState)),
    store_available=st.booleans(),
    journal_bytes=st.integers(0, 1000),
    journal_max_bytes=st.just(1000),
    dropped=st.integers(0, 3),
    disabled=st.dictionaries(st.sampled_from("ab"), st.just("why")),
    on_trial=st.frozensets(st.sampled_from("ab")),
)


@given(st.lists(st.tuples(conditions, st.floats(0, 400))))
def test_no_trouble_is_told_twice_in_a_row_and_what_is_over_had_begun(looks: list[tuple[Condition, float]]) -> None:
    troubles, now_s, open_now = Troubles(), 0.0, set[str]()
    for condition, after_s in looks:
        now_s += after_s
        for change in troubles.look(condition, now_s):
            fingerprint = change.trouble.fingerprint
            assert (fingerprint in open_now) is not change.began
            open_now.symmetric_difference_update({fingerprint})
        assert {trouble.fingerprint for trouble in troubles.current} == open_now
        assert troubles.look(condition, now_s) == ()
