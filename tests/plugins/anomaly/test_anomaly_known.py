"""Who is known: series where there is room, and the names that are beyond it together."""

import pytest

from midwatch_anomaly.bucket import OTHER, WHOLE, Bucket, Part
from midwatch_anomaly.change import Scope
from midwatch_anomaly.known import Known
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.metrics_watched import CALLS
from midwatch_anomaly.series import Series
from midwatch_anomaly.settings import Settings

AGENTS: list[Part] = [(Scope.AGENT, f"a{number}") for number in range(4)]
OTHERS: Part = (Scope.AGENT, OTHER)


def sums_of(*agents: str) -> dict[Part, list[float]]:
    """The sums of a tenant of whom each of these agents had a call."""
    bucket = Bucket(len(agents))
    bucket.take([Measurement(tenant="acme", agent=agent) for agent in agents])
    return bucket.tenants["acme"]


@pytest.fixture
def known() -> Known:
    """Room for a hundred series, and for two names of a kind."""
    return Known(Settings(most_series=100, most_names=2))


def test_who_comes_first_has_a_series_and_further_names_share_one(known: Known) -> None:
    placed = known.place("acme", sums_of("a0", "a1", "a2", "a3"), bucket=7, hour=9)
    assert {part: sums[CALLS] for part, sums in placed.items()} == {WHOLE: 4, AGENTS[0]: 1, AGENTS[1]: 1, OTHERS: 2}
    assert set(known.of("acme")) == set(placed)
    assert known.count == 4
    assert {(series.born, series.hour) for series in known.of("acme").values()} == {(7, 9)}


def test_who_is_known_keeps_the_series_it_has(known: Known) -> None:
    known.place("acme", sums_of("a0"), bucket=7, hour=9)
    before = known.find("acme", AGENTS[0])
    known.place("acme", sums_of("a0"), bucket=8, hour=9)
    assert before is not None
    assert known.find("acme", AGENTS[0]) is before


def test_parts_without_calls_make_no_series(known: Known) -> None:
    assert known.place("acme", {WHOLE: [0.0] * len(sums_of("a0")[WHOLE])}, bucket=7, hour=9) == {}
    assert known.tenants() == []


def test_tenants_find_room_where_parts_find_none_and_those_that_do_not_are_counted(known: Known) -> None:
    for number in range(110):
        known.place(f"tenant-{number}", sums_of("a0"), bucket=7, hour=9)
    assert known.count == 100
    assert [len(known.of(tenant)) for tenant in known.tenants()] == [2] * 40 + [1] * 20
    assert known.unwatched == 50


def test_other_bounds_hold_for_what_comes_next_and_what_is_there_stays(known: Known) -> None:
    known.place("acme", sums_of("a0", "a1"), bucket=7, hour=9)
    known.follow(Settings(most_series=100, most_names=1))
    known.place("acme", sums_of("a0", "a1", "a2"), bucket=8, hour=9)
    assert set(known.of("acme")) == {WHOLE, *AGENTS[:2], OTHERS}


def test_a_tenant_that_is_dropped_leaves_its_room(known: Known) -> None:
    known.place("acme", sums_of("a0"), bucket=7, hour=9)
    known.drop("acme")
    known.drop("nobody")
    assert (known.count, known.tenants(), known.find("acme", WHOLE)) == (0, [], None)


def test_what_is_adopted_stands_in_place_of_what_was_known(known: Known) -> None:
    known.place("acme", sums_of("a0", "a1"), bucket=7, hour=9)
    series = Series(born=3, hour=1)
    known.adopt("acme", {WHOLE: series})
    assert (known.count, dict(known.of("acme"))) == (1, {WHOLE: series})


def test_parts_that_came_last_before_a_bucket_are_dropped(known: Known) -> None:
    known.place("acme", sums_of("a0", "a1"), bucket=7, hour=9)
    for series, last in zip(known.of("acme").values(), (9, 8, 7), strict=True):
        series.last = last
    assert known.drop_old("acme", oldest=8) == [AGENTS[1]]
    assert (known.count, set(known.of("acme"))) == (2, {WHOLE, AGENTS[0]})
    assert known.drop_old("nobody", oldest=8) == []
