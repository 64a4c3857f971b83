"""Troubles as tables, and what holds of them whatever happens: they begin and end in turns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.breaker import SECURITY, STORE, BreakerState
from midwatch_core.model.finding import Severity
from midwatch_core.troubles import (
    AWAY_S,
    LOSS_S,
    NEW_S,
    SOON_S,
    VERY_SOON_S,
    Change,
    Condition,
    Expiry,
    Trouble,
    Troubles,
)

LAST_DAY = datetime(2026, 12, 24, 6, 30, tzinfo=UTC)
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
        "The store breaker is open: nothing is stored, the journal keeps",
        "The security breaker is open: a detector is not asked, and policy says whether calls pass without it",
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


def test_a_plugin_that_fails_is_one_trouble_that_gets_worse_when_it_is_not_asked_any_more() -> None:
    failing = Condition(failing={"a": "price failed 10 times in a row: KeyError: 'x'"})
    both = Condition(failing={"a": "…"}, disabled={"a": "hangs"})
    troubles = Troubles()
    told_of = [troubles.look(condition, 0) for condition in (failing, failing, both, failing, Condition())]
    assert [told(changes) for changes in told_of] == [["+plugin:a"], [], ["+plugin:a"], [], ["-plugin:a"]]
    (mild,), (grave,) = told_of[0], told_of[2]
    assert (mild.trouble.severity, mild.trouble.title) == (
        Severity.MEDIUM,
        "A hook of plugin a fails whenever it is called",
    )
    assert mild.trouble.details["why"].startswith("price failed 10 times in a row")
    assert (grave.trouble.severity, grave.trouble.details["why"]) == (Severity.HIGH, "hangs")


def test_a_pack_that_is_refused_is_a_trouble_that_says_why_until_it_is_mended() -> None:
    bad, worse = {"own.rules.yaml": "rule a: no severity"}, {"own.rules.yaml": "not YAML", "more": "an id is taken"}
    troubles = Troubles()
    told_of = [told(troubles.look(Condition(refused=refused), 0)) for refused in (bad, worse, {"more": "…"})]
    assert told_of == [["+pack:own.rules.yaml"], ["+pack:more"], ["-pack:own.rules.yaml"]]
    (left,) = troubles.current
    assert (left.category, left.details) == ("pack", {"pack": "more", "why": "an id is taken"})


def test_a_certificate_is_one_trouble_that_gets_worse_until_there_is_another() -> None:
    left = [SOON_S + 1, SOON_S, VERY_SOON_S + 1, VERY_SOON_S, 1.0, 0.0, -9.0, 3650 * 86400.0]
    troubles, seen = Troubles(), list[tuple[str, Severity]]()
    for left_s in left:
        changes = troubles.look(Condition(ca=Expiry(at=LAST_DAY, left_s=left_s)), 0)
        seen += [(what, change.trouble.severity) for what, change in zip(told(changes), changes, strict=True)]
    assert seen == [
        ("+certificate:ca", Severity.MEDIUM),
        ("+certificate:ca", Severity.HIGH),
        ("+certificate:ca", Severity.CRITICAL),
        ("-certificate:ca", Severity.CRITICAL),
    ]


def test_a_certificate_says_when_it_expires_and_one_that_is_not_known_says_nothing() -> None:
    troubles = Troubles()
    assert troubles.look(Condition(ca=None), 0) == ()
    (change,) = troubles.look(Condition(ca=Expiry(at=LAST_DAY, left_s=5.0)), 0)
    assert change.trouble.details == {"expires": "2026-12-24T06:30+00:00"}


DAY_S = 86400.0


def expiring(days: float) -> Expiry:
    return Expiry(at=LAST_DAY + timedelta(days=days), left_s=days * DAY_S)


def found(**condition: object) -> list[tuple[str, str, dict[str, str]]]:
    changes = Troubles().look(Condition(**condition), 0)  # type: ignore[arg-type]  # a test's own words
    return [(item.trouble.fingerprint, item.trouble.title, dict(item.trouble.details)) for item in changes]


def test_a_ca_that_another_follows_in_time_is_no_trouble() -> None:
    before, after = LAST_DAY + timedelta(days=2), LAST_DAY + timedelta(days=4)
    assert found(ca=expiring(3), next_ca=expiring(3000), next_ca_from=before) == []
    ((fingerprint, title, details),) = found(ca=expiring(3), next_ca=expiring(3000), next_ca_from=after)
    assert (fingerprint, title) == ("certificate:ca", "The CA's certificate expires within a week")
    assert details["next"] == "takes over 2026-12-28T06:30+00:00"
    ((_, title, _),) = found(ca=expiring(-1), next_ca=expiring(3000), next_ca_from=LAST_DAY - timedelta(days=2))
    assert "has expired" in title


def test_the_next_ca_has_a_trouble_of_its_own() -> None:
    ((fingerprint, title, details),) = found(ca=expiring(300), next_ca=expiring(9), next_ca_from=LAST_DAY)
    assert (fingerprint, title) == ("certificate:next-ca", "The next CA's certificate expires within 30 days")
    assert details == {"expires": "2027-01-02T06:30+00:00"}


conditions = st.builds(
    Condition,
    breakers=st.dictionaries(st.sampled_from([STORE, SECURITY]), st.sampled_from(BreakerState)),
    store_available=st.booleans(),
    journal_bytes=st.integers(0, 1000),
    journal_max_bytes=st.just(1000),
    dropped=st.integers(0, 3),
    disabled=st.dictionaries(st.sampled_from("ab"), st.just("why")),
    on_trial=st.frozensets(st.sampled_from("ab")),
    failing=st.dictionaries(st.sampled_from("ab"), st.just("why")),
    refused=st.dictionaries(st.sampled_from("pq"), st.just("why")),
    ca=st.none() | st.builds(Expiry, at=st.just(LAST_DAY), left_s=st.floats(-1, 2 * SOON_S)),
    next_ca=st.none() | st.builds(Expiry, at=st.just(LAST_DAY), left_s=st.floats(-1, 2 * SOON_S)),
)


@given(st.lists(st.tuples(conditions, st.floats(0, 400))))
def test_no_trouble_is_told_twice_unless_it_got_worse_and_what_is_over_had_begun(
    looks: list[tuple[Condition, float]],
) -> None:
    troubles, now_s, open_now = Troubles(), 0.0, dict[str, Trouble]()
    for condition, after_s in looks:
        now_s += after_s
        for change in troubles.look(condition, now_s):
            known = open_now.pop(change.trouble.fingerprint, None)
            if change.began:
                assert known is None or change.trouble.severity.rank > known.severity.rank
                open_now[change.trouble.fingerprint] = change.trouble
            else:
                assert known == change.trouble
        assert {trouble.fingerprint: trouble for trouble in troubles.current} == open_now
        assert troubles.look(condition, now_s) == ()


def test_a_worker_that_dies_again_and_again_is_in_trouble_until_it_works() -> None:
    both, one = Condition(degraded=("w0", "w1")), Condition(degraded=("w1",))
    assert run((0, both), (1, both), (2, one), (3, Condition())) == [
        ["+worker:w0", "+worker:w1"],
        [],
        ["-worker:w0"],
        ["-worker:w1"],
    ]


def test_strangers_at_the_edges_are_troubles_as_long_as_they_go_on() -> None:
    crowded, guessing = Condition(turned_away=20), Condition(turned_away=3, waiting=2)
    assert run((0, Condition()), (1, crowded), (2, guessing), (3, guessing), (60, Condition())) == [
        [],
        ["+edge:crowd"],
        ["+edge:wrong_keys"],
        [],
        ["-edge:crowd", "-edge:wrong_keys"],
    ]


def test_every_title_begins_with_a_capital() -> None:
    """They are sentences that people read: the subject of a mail, the first line of a message."""
    all_of_it = Condition(
        breakers={STORE: OPEN, "anything": OPEN},
        store_available=False,
        journal_bytes=1000,
        journal_max_bytes=1000,
        disabled={"a": "hangs"},
        failing={"b": "…"},
        refused={"own.rules.yaml": "…"},
        degraded=("w0",),
        turned_away=1,
        waiting=1,
        ca=expiring(-1),
        next_ca=expiring(3),
    )
    troubles = Troubles()
    troubles.look(all_of_it, 0)
    troubles.look(replace(all_of_it, dropped=1), AWAY_S)
    titles = {trouble.fingerprint: trouble.title for trouble in troubles.current}
    assert len(titles) == 13
    assert [title for title in titles.values() if not title[0].isupper()] == []
