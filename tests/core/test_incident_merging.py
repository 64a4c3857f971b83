"""Two states of one incident, merged: whoever keeps first, nothing that was known is lost."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Incident, IncidentState, Severity, merge_incidents
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.testing.incidents_contract import make_incident

MOMENTS = st.integers(0, 20).map(lambda minutes: BEGINNING + timedelta(minutes=minutes))


@st.composite
def states(draw: st.DrawFn) -> Incident:
    """Any state of one incident."""
    taken_on = draw(st.none() | MOMENTS)
    return make_incident(
        "i",
        severity=draw(st.sampled_from(Severity)),
        title=draw(st.sampled_from(["a", "b", "c"])),
        last_at=draw(MOMENTS),
        count=draw(st.integers(1, 50)),
        acknowledged_at=taken_on,
        acknowledged_by=None if taken_on is None else draw(st.sampled_from(["ann", "bob"])),
        resolved_at=draw(st.none() | MOMENTS),
    )


@given(kept=states(), given_=states())
def test_nothing_falls_and_nothing_is_undone(kept: Incident, given_: Incident) -> None:
    merged = merge_incidents(kept, given_)
    assert merged.severity.rank == max(kept.severity.rank, given_.severity.rank)
    assert merged.count == max(kept.count, given_.count)
    assert merged.last_at == max(kept.last_at, given_.last_at)
    if kept.acknowledged_at is not None:
        assert (merged.acknowledged_at, merged.acknowledged_by) == (kept.acknowledged_at, kept.acknowledged_by)
    if kept.resolved_at is not None:
        assert merged.resolved_at == kept.resolved_at


@given(kept=states(), given_=states())
def test_what_is_known_twice_changes_nothing(kept: Incident, given_: Incident) -> None:
    merged = merge_incidents(kept, given_)
    assert merge_incidents(merged, given_) == merged
    assert merge_incidents(merged, merged) == merged


def test_an_acknowledgement_from_before_ends_nothing_and_hides_nothing_that_came_since() -> None:
    stale = make_incident("i", acknowledged_at=BEGINNING, acknowledged_by="ann")
    worse = make_incident(
        "i", severity=Severity.CRITICAL, title="worse", last_at=BEGINNING + timedelta(minutes=5), count=9
    )
    merged = merge_incidents(worse, stale)
    assert (merged.title, merged.count, merged.severity) == ("worse", 9, Severity.CRITICAL)
    assert merged.state is IncidentState.ACKNOWLEDGED
    assert merged.acknowledged_by == "ann"
