"""Incidents as tables, and what holds of them whatever is raised: each change once, in order, within bounds."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.incidents import RESTORED_S, TOO_MANY, TOO_MANY_S, IncidentNews, Incidents, told_again
from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentChange, IncidentState

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
BEGAN, WORSE = IncidentChange.BEGAN, IncidentChange.WORSE
ACKNOWLEDGED, RESOLVED = IncidentChange.ACKNOWLEDGED, IncidentChange.RESOLVED


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def alert(
    fingerprint: str = "spike",
    *,
    at_s: float = 0.0,
    category: str = "anomaly",
    severity: Severity = Severity.MEDIUM,
    tenant: str | None = "acme",
    count: int = 1,
    lasts_s: float | None = None,
    resolved: bool = False,
    title: str = "acme spends ten times as much as usual",
) -> Alert:
    return Alert(
        at=later(at_s),
        category=category,
        severity=severity,
        title=title,
        fingerprint=fingerprint,
        tenant=tenant,
        count=count,
        expires_at=None if lasts_s is None else later(at_s + lasts_s),
        resolved=resolved,
    )


def machine(most: int = 1000) -> Incidents:
    numbers = itertools.count(1)
    return Incidents(lambda _: f"i{next(numbers)}", most=most)


def told(news: tuple[IncidentNews, ...]) -> list[tuple[str, IncidentChange | None]]:
    return [(item.incident.id, item.change) for item in news]


def raised(incidents: Incidents, *alerts: Alert) -> list[tuple[str, IncidentChange | None]]:
    return [pair for item in alerts for pair in told(incidents.take(item, (item.at - NOW).total_seconds()))]


def test_an_alert_begins_an_incident_and_its_like_are_counted_until_its_end() -> None:
    incidents = machine()
    again = replace(alert(at_s=9, count=4, title="eleven times"), details={"value": "11"})
    assert raised(incidents, alert(), again) == [("i1", BEGAN), ("i1", None)]
    (incident,) = incidents.open
    assert (incident.count, incident.began_at, incident.last_at) == (5, NOW, later(9))
    assert (incident.title, incident.details, incident.state) == ("eleven times", {"value": "11"}, IncidentState.OPEN)
    assert raised(incidents, alert(at_s=20, resolved=True)) == [("i1", RESOLVED)]
    assert (incidents.open, incidents.find("i1"), incidents.categories) == ((), None, {})


def test_what_is_over_and_comes_back_is_a_further_incident() -> None:
    over = alert(at_s=1, resolved=True)
    assert raised(machine(), alert(), over, over, alert(at_s=2)) == [("i1", BEGAN), ("i1", RESOLVED), ("i2", BEGAN)]


def test_the_end_of_what_never_began_is_dropped() -> None:
    assert raised(machine(), alert(resolved=True)) == []


def test_one_fingerprint_of_two_tenants_is_two_incidents() -> None:
    incidents = machine()
    assert raised(incidents, alert(), alert(tenant="other"), alert(tenant=None)) == [
        ("i1", BEGAN),
        ("i2", BEGAN),
        ("i3", BEGAN),
    ]
    assert raised(incidents, alert(tenant="other", resolved=True)) == [("i2", RESOLVED)]


def test_severity_rises_and_is_told_and_never_falls() -> None:
    incidents = machine()
    severities = [Severity.LOW, Severity.HIGH, Severity.INFO, Severity.HIGH, Severity.CRITICAL]
    alerts = [alert(severity=severity) for severity in severities]
    assert [change for _, change in raised(incidents, *alerts)] == [BEGAN, WORSE, None, None, WORSE]
    assert incidents.open[0].severity is Severity.CRITICAL


def test_one_that_gets_worse_stays_taken_on() -> None:
    incidents = machine()
    raised(incidents, alert())
    incidents.acknowledge("i1", "key-1", later(5))
    assert raised(incidents, alert(severity=Severity.CRITICAL, at_s=6)) == [("i1", WORSE)]
    assert (incidents.open[0].state, incidents.open[0].acknowledged_by) == (IncidentState.ACKNOWLEDGED, "key-1")


def test_it_is_over_when_its_time_has_passed_and_nobody_raised_it_again() -> None:
    incidents = machine()
    raised(incidents, alert(lasts_s=60), alert(at_s=50, count=0, lasts_s=60))
    assert incidents.expires_at("i1") == later(110)
    assert told(incidents.look(later(109), 109)) == []
    (news,) = incidents.look(later(111), 111)
    assert (news.change, news.incident.resolved_at, news.incident.count) == (RESOLVED, later(111), 1)
    assert news.alert.resolved
    assert told(incidents.look(later(999), 999)) == []


def test_a_wall_clock_that_jumps_ends_nothing_and_keeps_nothing_open() -> None:
    incidents = machine()
    incidents.take(alert(lasts_s=60), 0)
    assert told(incidents.look(NOW + timedelta(days=400), 59)) == []
    (news,) = incidents.look(NOW - timedelta(days=400), 60)
    assert (news.change, news.incident.resolved_at) == (RESOLVED, NOW)


def test_what_goes_on_though_nobody_here_knew_of_it_begins() -> None:
    incidents = machine()
    assert raised(incidents, alert(count=0)) == [("i1", BEGAN)]
    assert incidents.open[0].count == 1


def test_one_is_taken_on_once() -> None:
    incidents = machine()
    raised(incidents, alert())
    news = incidents.acknowledge("i1", "key-1", later(5))
    assert news is not None
    assert (news.change, news.incident.acknowledged_at, news.incident.acknowledged_by) == (
        ACKNOWLEDGED,
        later(5),
        "key-1",
    )
    assert incidents.acknowledge("i1", "key-2", later(6)) is None
    assert incidents.acknowledge("i2", "key-2", later(6)) is None


def test_what_another_process_did_to_one_is_learnt_from_the_store_once() -> None:
    incidents = machine()
    raised(incidents, alert(), alert("drift"))
    first, second = incidents.open
    assert incidents.know(first) is None
    taken_on = replace(first, acknowledged_at=later(4), acknowledged_by="link:ops")
    known = incidents.know(taken_on)
    assert known is not None
    assert (known.change, known.incident.acknowledged_by) == (ACKNOWLEDGED, "link:ops")
    assert incidents.know(taken_on) is None
    over = replace(second, resolved_at=later(9))
    known = incidents.know(over)
    assert known is not None
    assert (known.change, known.incident.resolved_at) == (RESOLVED, later(9))
    assert incidents.know(over) is None
    assert incidents.open == (taken_on,)


def test_a_restart_goes_on_with_what_was_open_and_tells_nothing_twice() -> None:
    before, after = machine(), machine()
    raised(before, alert(), alert("other"))
    assert after.restore([(item, None) for item in before.open], later(500), 0) == ()
    assert after.open == before.open
    assert told(after.take(alert(at_s=510, lasts_s=60), 10)) == [("i1", None)]
    assert told(after.look(later(619), RESTORED_S - 1)) == [("i1", RESOLVED)]
    assert told(after.look(later(620), RESTORED_S)) == [("i2", RESOLVED)]


def test_what_has_an_expiry_keeps_it_over_a_restart_and_gets_time_to_be_raised_again_where_it_is_past() -> None:
    before, after = machine(), machine()
    raised(before, alert("month"), alert("quiet"))
    month, quiet = before.open
    after.restore([(month, later(5000)), (quiet, later(1))], later(1000), 0)
    assert told(after.look(later(1119), 119)) == []
    assert told(after.look(later(1120), 120)) == [("i2", RESOLVED)]
    assert told(after.look(later(4999), 3999)) == []
    assert told(after.look(later(5000), 4000)) == [("i1", RESOLVED)]


def test_of_one_trouble_that_is_kept_twice_the_latest_incident_goes_on() -> None:
    before, after = machine(), machine()
    raised(before, alert(), alert("drift"))
    spike, drift = before.open
    further = replace(spike, id="further", began_at=later(9))
    ended = after.restore([(spike, None), (drift, None), (further, None)], later(20), 0)
    assert told(ended) == [(spike.id, RESOLVED)]
    assert {item.id for item in after.open} == {drift.id, "further"}


def test_what_began_before_the_store_could_be_asked_goes_on_and_what_was_kept_of_it_is_over() -> None:
    before, after = machine(), machine()
    raised(before, alert())
    raised(after, alert())
    kept = replace(before.open[0], id="old")
    assert told(after.restore([(kept, None)], NOW, 0)) == [("old", RESOLVED)]
    assert [item.id for item in after.open] == ["i1"]


def test_of_what_was_open_before_no_more_is_restored_than_there_is_room_for() -> None:
    before, after = machine(), machine(most=3)
    raised(before, *(alert(str(number)) for number in range(5)))
    ended = after.restore([(item, None) for item in before.open], NOW, 0)
    assert told(ended) == [("i4", RESOLVED), ("i5", RESOLVED)]
    assert len(after.open) == 3


def test_a_beginning_told_again_is_the_same_incident() -> None:
    incidents = machine()
    raised(incidents, alert())
    news = told_again(incidents.open[0])
    assert (news.incident, news.change) == (incidents.open[0], BEGAN)
    assert (news.alert.fingerprint, news.alert.resolved) == ("spike", False)


def test_a_storm_fills_the_room_and_the_rest_is_one_incident_that_counts() -> None:
    incidents = machine(most=10)
    changes = Counter(change for _, change in raised(incidents, *(alert(str(n), count=3) for n in range(1000))))
    assert changes == {BEGAN: 10, None: 990}
    crowd = incidents.open[-1]
    assert (crowd.fingerprint, crowd.category, crowd.tenant, crowd.count) == (TOO_MANY, "incidents", None, 991 * 3)
    assert crowd.severity is Severity.HIGH
    assert told(incidents.look(later(TOO_MANY_S), TOO_MANY_S)) == [(crowd.id, RESOLVED)]
    assert len(incidents.open) == 9


def test_a_keep_alive_of_what_found_no_room_counts_nothing() -> None:
    incidents = machine(most=3)
    raised(incidents, alert("1"), alert("2"))
    assert raised(incidents, alert("3", count=0)) == []


def test_a_critical_one_takes_the_place_of_the_oldest_of_the_mildest() -> None:
    incidents = machine(most=4)
    raised(incidents, alert("a", severity=Severity.HIGH), alert("b", severity=Severity.LOW), alert("c"))
    critical = alert("d", severity=Severity.CRITICAL)
    assert raised(incidents, critical) == [("i2", RESOLVED), ("i4", BEGAN)]
    assert [item.fingerprint for item in incidents.open] == ["a", "c", "d"]


def test_among_critical_ones_a_further_one_is_counted_and_makes_the_count_critical() -> None:
    incidents = machine(most=3)
    criticals = [alert(str(number), severity=Severity.CRITICAL) for number in range(4)]
    raised(incidents, alert("x"), alert("y"), alert("z"))
    assert raised(incidents, *criticals) == [
        ("i1", RESOLVED),
        ("i4", BEGAN),
        ("i2", RESOLVED),
        ("i5", BEGAN),
        ("i3", WORSE),
        ("i3", None),
    ]
    assert [item.fingerprint for item in incidents.open] == [TOO_MANY, "0", "1"]


def test_a_tenant_that_is_forgotten_leaves_nothing_open_and_nothing_to_tell() -> None:
    incidents = machine()
    raised(incidents, alert(), alert("drift"), alert(tenant="other"))
    assert [item.fingerprint for item in incidents.forget("acme")] == ["spike", "drift"]
    assert [item.tenant for item in incidents.open] == ["other"]
    assert (incidents.categories, incidents.find("i1")) == ({"anomaly": 1}, None)


steps = st.one_of(
    st.builds(
        alert,
        st.sampled_from("abcdef"),
        category=st.sampled_from(["anomaly", "finding"]),
        severity=st.sampled_from(Severity),
        tenant=st.sampled_from([None, "acme"]),
        count=st.integers(0, 3),
        lasts_s=st.one_of(st.none(), st.floats(0, 100)),
        resolved=st.booleans(),
    ),
    st.integers(1, 40).map(lambda number: f"i{number}"),
    st.floats(0, 90),
)


def ordered(changes: list[IncidentChange]) -> bool:
    """It begins first and once, is taken on once at most, and nothing comes after its end."""
    counts = Counter(changes)
    once = counts[BEGAN] == 1 and counts[ACKNOWLEDGED] <= 1 and counts[RESOLVED] <= 1
    return once and changes[0] is BEGAN and (RESOLVED not in changes or changes[-1] is RESOLVED)


@given(st.lists(steps, max_size=60), st.integers(2, 6))
def test_whatever_is_raised_each_change_comes_once_and_in_order(steps: list[Alert | str | float], most: int) -> None:
    incidents, now_s = machine(most), 0.0
    seen: dict[str, list[IncidentNews]] = {}
    for step in steps:
        if isinstance(step, Alert):
            shift = timedelta(seconds=now_s)
            expires_at = None if step.expires_at is None else step.expires_at + shift
            news = incidents.take(replace(step, at=step.at + shift, expires_at=expires_at), now_s)
        elif isinstance(step, str):
            one = incidents.acknowledge(step, "somebody", later(now_s))
            news = () if one is None else (one,)
        else:
            now_s += step
            news = incidents.look(later(now_s), now_s)
        for item in news:
            seen.setdefault(item.incident.id, []).append(item)
        check(incidents, seen, most)


def check(incidents: Incidents, seen: dict[str, list[IncidentNews]], most: int) -> None:
    still_open: dict[str, Incident] = {item.id: item for item in incidents.open}
    assert len(still_open) <= most
    assert len({(item.tenant, item.fingerprint) for item in incidents.open}) == len(still_open)
    for incident_id, all_news in seen.items():
        changes = [item.change for item in all_news if item.change is not None]
        assert ordered(changes)
        assert (incident_id in still_open) is (RESOLVED not in changes)
        ranks = [item.incident.severity.rank for item in all_news]
        assert ranks == sorted(ranks)
        rises = sum(after > before for before, after in itertools.pairwise(ranks))
        assert changes.count(WORSE) == rises
        counts = [item.incident.count for item in all_news]
        assert counts == sorted(counts)
    assert incidents.categories == Counter(item.category for item in incidents.open)
