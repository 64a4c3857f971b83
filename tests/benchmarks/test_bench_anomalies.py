"""The simulated month: the same for the same seed, events where they would be missed, and a fair judge."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.anomalies import tabling
from benchmarks.anomalies.judging import Alarm, Family, alarms, false_a_week, outcomes
from benchmarks.anomalies.looping import LOOPS, TALKS, WORK, Held
from benchmarks.anomalies.month import Month, Wish, lived
from benchmarks.anomalies.planting import Event, Kind, plant
from benchmarks.anomalies.rhythm import BEGIN_S, DAY_S, Rhythm, Work
from benchmarks.anomalies.tenants import Fate, SimTenant, Size, tenants
from benchmarks.anomalies.traffic import Traffic
from benchmarks.pages import write_tables
from midwatch_anomaly.change import Change, Explanation, Metric, Scope, Side, Stage
from midwatch_anomaly.loops import Circle
from midwatch_anomaly.settings import Settings
from midwatch_core import Severity

EVERYBODY = tenants(
    7,
    {
        Fate.QUIET: {Size.SMALL: 2, Size.MID: 1, Size.LARGE: 1},
        Fate.EVENTFUL: {Size.SMALL: 0, Size.MID: 2, Size.LARGE: 0},
        Fate.DRIFTING: {Size.SMALL: 0, Size.MID: 1, Size.LARGE: 1},
    },
)
NOON_S = BEGIN_S + 8 * DAY_S + DAY_S // 2


def test_an_office_works_by_day_and_a_service_at_night_too() -> None:
    assert datetime.fromtimestamp(BEGIN_S, UTC).weekday() == 0
    office, service = Rhythm(work=Work.OFFICE), Rhythm(work=Work.ALWAYS)
    assert office.is_busy(NOON_S - 7200)
    assert not office.is_busy(NOON_S + DAY_S // 2)
    assert not office.is_busy(NOON_S + 4 * DAY_S)  # a Saturday
    assert 0.2 < service.at(NOON_S + DAY_S // 2) < service.at(NOON_S)
    assert [Rhythm(work=Work.NIGHTLY, job_h=2).at(BEGIN_S + hour * 3600) for hour in (1, 2, 3)] == [0, 1, 0]


def test_events_are_planted_in_busy_hours_and_never_overlap() -> None:
    for tenant in EVERYBODY:
        events = plant(7, tenant)
        assert bool(events) is (tenant.fate is not Fate.QUIET)
        assert (events[0].kind is Kind.DRIFT if events else False) is (tenant.fate is Fate.DRIFTING)
        for one, next_one in itertools.pairwise(events):
            assert one.end_s + DAY_S // 2 < next_one.begin_s
        for event in events:
            assert BEGIN_S + 7 * DAY_S < event.begin_s < event.end_s <= BEGIN_S + 30 * DAY_S
            assert event.kind is Kind.DRIFT or tenant.streams[0].rhythm.is_busy(event.begin_s)


def test_the_same_seed_brings_the_same_traffic_and_an_event_changes_only_what_it_says() -> None:
    tenant = EVERYBODY[3]
    event = Event(kind=Kind.COST, tenant=tenant.name, begin_s=BEGIN_S, end_s=BEGIN_S + DAY_S)
    plain, again, dear = (Traffic(7, tenant, events) for events in ((), (), (event,)))
    for minute in range(120):
        now_s = BEGIN_S + minute * 60
        here, there, spiked = (list(traffic.minute(now_s)) for traffic in (plain, again, dear))
        assert here == there
        assert [item.calls for item in here] == [item.calls for item in spiked]
        assert [8 * item.cost_usd for item in here] == pytest.approx([item.cost_usd for item in spiked])


def test_a_stop_stops_everything() -> None:
    tenant = EVERYBODY[3]
    event = Event(kind=Kind.STOP, tenant=tenant.name, begin_s=NOON_S, end_s=NOON_S + 3600)
    traffic = Traffic(7, tenant, (event,))
    assert not any(list(traffic.minute(NOON_S + minute * 60)) for minute in range(60))


def told(tenant: SimTenant, at_s: float, metric: Metric, side: Side = Side.HIGH) -> Change:
    explanation = Explanation(
        tenant=tenant.name,
        scope=Scope.TENANT,
        name="",
        metric=metric,
        side=side,
        value=2.0,
        usual=1.0,
        sigma=0.1,
        deviations=10.0,
        since_s=at_s,
        bucket_s=60,
    )
    return Change(stage=Stage.BEGAN, at_s=at_s, severity=Severity.HIGH, explanation=explanation)


def month_of(*changes: Change) -> Month:
    tenant = EVERYBODY[-1]
    events = (
        Event(kind=Kind.COST, tenant=tenant.name, begin_s=NOON_S, end_s=NOON_S + 2400),
        Event(kind=Kind.STOP, tenant=tenant.name, begin_s=NOON_S + 2 * DAY_S, end_s=NOON_S + 2 * DAY_S + 10_800),
    )
    return Month(tenant=tenant, events=events, told=changes, calls=1)


def test_an_event_is_found_by_its_own_family_and_delays_are_from_its_begin() -> None:
    tenant = EVERYBODY[-1]
    month = month_of(
        told(tenant, NOON_S + 120, Metric.ERRORS),
        told(tenant, NOON_S + 300, Metric.INPUT),
        told(tenant, NOON_S + 600, Metric.COST),
        told(tenant, NOON_S + DAY_S, Metric.COST),
    )
    assert [item.delay_s for item in outcomes([month])] == [300, None]
    assert [alarm.true for alarm in alarms([month])] == [True, True, True, False]
    assert [alarm.family for alarm in alarms([month])][:2] == [Family.ERRORS, Family.VOLUME]
    assert false_a_week([month]) == pytest.approx(7 / 30)


def test_a_stop_is_found_by_silence_and_a_drift_is_a_family_of_its_own() -> None:
    tenant = EVERYBODY[-1]
    low = told(tenant, NOON_S + 2 * DAY_S + 600, Metric.CALLS, Side.LOW)
    drift = told(tenant, NOON_S, Metric.COST, Side.DRIFT)
    assert outcomes([month_of(low, drift)])[1].delay_s == 600
    assert alarms([month_of(drift)]) == [Alarm(change=drift, family=Family.DRIFT, true=True)]


def test_a_drift_makes_no_alarm_true_that_it_does_not_bring_about() -> None:
    tenant = EVERYBODY[-1]
    drift = Event(kind=Kind.DRIFT, tenant=tenant.name, begin_s=NOON_S, end_s=NOON_S + 10 * DAY_S)
    changes = [told(tenant, NOON_S + DAY_S, metric) for metric in (Metric.CALLS, Metric.ERRORS, Metric.INPUT)]
    month = Month(
        tenant=tenant, events=(drift,), told=(*changes, told(tenant, NOON_S, Metric.CALLS, Side.DRIFT)), calls=1
    )
    assert [alarm.true for alarm in alarms([month])] == [False, False, True, True]


def test_a_small_quiet_tenant_lives_through_a_month() -> None:
    month = lived(Wish(tenant=EVERYBODY[0], seed=7, settings=Settings()))
    assert month.events == ()
    assert month.calls > 500


def test_conversations_are_of_both_kinds() -> None:
    assert len(TALKS) == len(WORK) + len(LOOPS)


def test_tables_are_put_between_their_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    month = month_of(told(EVERYBODY[-1], NOON_S + 300, Metric.COST))
    circle = Circle(tools=("read",), count=5, since_s=0, cost_usd=0, is_new=True)
    kinds = [
        Held(kind="same call", is_loop=True, talks=2, calls=60, first=(circle,), delays_s=(30.0,)),
        Held(kind="polling", is_loop=False, talks=2, calls=60, first=(), delays_s=()),
    ]
    tables = {
        "events": list(tabling.event_table([month])),
        "quiet": list(tabling.quiet_table([month])),
        "loops": list(tabling.loop_table(kinds)),
    }
    assert "| cost spike | 1 | 1 | 1.00 | 5 min | volume | 1 + 0 | 1.00 |" in tables["events"]
    assert "| all: precision 1.00, recall 0.50 | | | | 1 | | |" in tables["loops"]
    page = tmp_path / "anomaly.md"
    page.write_text("".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in tables))
    write_tables(page, tables)
    assert "\nold\n" not in page.read_text()
    assert tables["events"][2] in page.read_text()
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no marks"):
        write_tables(page, tables)
