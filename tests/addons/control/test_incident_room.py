"""The room of incidents: what alerts become is told, put on record and kept once, through restarts and lost stores."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import IncidentChange, IncidentState
from midwatch_core.ports import Scope
from tests.addons.control.conftest import until
from tests.addons.control.incident_house import NOW, IncidentHouse, alert


@pytest.fixture
async def house(tmp_path: Path) -> IncidentHouse:
    made = IncidentHouse(tmp_path / "incidents.open")
    await made.metadata.start()
    await made.room.start()
    return made


async def test_what_begins_and_ends_is_logged_recorded_kept_and_told_once(
    house: IncidentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with house.running():
        for _ in range(3):
            house.room.raise_alert(alert())
        house.time.passed_s = 40.0
        house.room.raise_alert(alert(at=house.time.now(), resolved=True))
        assert await house.until_told(2) == [("spike", "began"), ("spike", "resolved")]
        records = await house.records(2)
        (kept,) = await house.until_kept("spike")
        while kept.resolved_at is None:
            await asyncio.sleep(0.002)
            (kept,) = await house.kept()
    (_, began, _), (end, over, _) = house.pager.paged
    assert began.id == over.id == kept.id
    assert (kept.count, kept.began_at, kept.resolved_at) == (3, NOW, house.time.now())
    assert end.resolved
    assert [(item.actor, item.action, item.subject, item.tenant) for item in records] == [
        ("midwatch", "trouble", "spike", "acme"),
        ("midwatch", "resolved", "spike", "acme"),
    ]
    assert records[0].details == {"category": "anomaly", "title": began.title, "value": "7"}
    assert caplog.text.count("trouble: spike is not as usual (value: 7)") == 1
    assert caplog.text.count("over: spike is not as usual") == 1


async def test_what_gets_worse_is_told_and_logged_as_such(
    house: IncidentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with house.running():
        house.room.raise_alert(alert(severity=Severity.LOW))
        house.room.raise_alert(alert(severity=Severity.CRITICAL))
        assert await house.until_told(2) == [("spike", "began"), ("spike", "worse")]
        began, worse = await house.records(2)
    assert "trouble: worse: spike is not as usual" in caplog.text
    assert (began.action, worse.action, worse.actor, worse.subject, worse.tenant) == (
        "trouble",
        "worse",
        "midwatch",
        "spike",
        "acme",
    )
    assert worse.details == {**began.details, "severity": "critical"}


async def test_what_nobody_raises_again_is_over(house: IncidentHouse) -> None:
    house.room.raise_alert(alert(lasts_s=60))
    house.time.passed_s = 50
    house.room.raise_alert(alert(at=house.time.now(), count=0, lasts_s=60))
    house.time.passed_s = 109
    house.room.look()
    assert house.gauge("anomaly") == 1
    house.time.passed_s = 110
    house.room.look()
    assert (house.room.open(), house.gauge("anomaly")) == ((), 0)


async def test_no_gauge_stays_behind_of_a_category_that_has_nothing_open(house: IncidentHouse) -> None:
    house.room.raise_alert(alert(category="plugin"))
    house.room.raise_alert(alert(category="store"))
    assert (house.gauge("plugin"), house.gauge("store")) == (0, 1)
    house.room.raise_alert(alert("other", category="plugin", tenant="lab"))
    house.room.raise_alert(alert(category="plugin", severity=Severity.CRITICAL))
    assert (house.gauge("plugin"), house.gauge("store")) == (2, 0)
    house.room.forget("acme")
    house.room.raise_alert(alert("other", category="store", tenant="lab", resolved=True))
    assert (house.gauge("plugin"), house.gauge("store")) == (0, 0)


async def test_health_tells_of_the_house_alone_and_of_nothing_in_its_traffic(house: IncidentHouse) -> None:
    house.room.raise_alert(alert("breaker:store", category="breaker", tenant=None))
    house.room.raise_alert(alert("spike", tenant=None))
    house.room.raise_alert(alert("plugin:x", category="plugin", tenant="acme"))
    assert house.room.health() == [
        {
            "category": "breaker",
            "severity": "high",
            "title": "breaker:store is not as usual",
            "since": NOW.isoformat(),
        }
    ]


async def test_an_alert_of_texts_that_no_store_takes_is_kept_all_the_same(house: IncidentHouse) -> None:
    odd = replace(alert(), title="a\ud800\0\nb" + "c" * 9000, at=NOW.replace(tzinfo=None))
    async with house.running():
        house.room.raise_alert(odd)
        (kept,) = await house.until_kept("spike")
    assert (kept.title[:5], len(kept.title), kept.began_at) == ("a?? b", 500, NOW)


async def test_a_count_is_kept_now_and_then_and_a_change_at_once(house: IncidentHouse) -> None:
    async with house.running():
        house.room.raise_alert(alert())
        await house.until_kept("spike")
        house.room.raise_alert(alert(count=4))
        await asyncio.sleep(0.02)
        assert [item.count for item in await house.kept()] == [1]
        house.room.raise_alert(alert(severity=Severity.CRITICAL))
        await until(lambda: len(house.pager.paged) == 2)
        await until_count(house, 6)
        house.room.raise_alert(alert(count=4))
        house.time.passed_s = 11  # the keeper looks each second
        await until_count(house, 10)


async def until_count(house: IncidentHouse, count: int) -> None:
    async with asyncio.timeout(60):
        while [item.count for item in await house.kept()] != [count]:
            await asyncio.sleep(0.01)


async def test_a_store_that_is_away_gets_all_later_and_the_pager_is_told_at_once(
    house: IncidentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    await house.metadata.close()
    async with house.running():
        house.room.raise_alert(alert("breaker:store", category="breaker", tenant=None))
        house.room.raise_alert(alert("spike"))
        house.room.raise_alert(alert("spike", resolved=True))
        assert len(await house.until_told(3)) == 3
        await house.metadata.start()
        kept = await house.until_kept("breaker:store", "spike")
        assert [record.action for record in await house.records(3)] == ["trouble", "trouble", "resolved"]
    assert {item.fingerprint: item.state for item in kept} == {
        "breaker:store": IncidentState.OPEN,
        "spike": IncidentState.RESOLVED,
    }
    assert caplog.text.count("alerts can't be kept now, and wait") == 1


async def test_a_restart_tells_nothing_twice_but_what_had_just_begun(house: IncidentHouse) -> None:
    async with house.running():
        house.room.raise_alert(alert("old"))
        await house.until_kept("old")
        house.time.passed_s = 700
        house.room.raise_alert(alert("new", at=house.time.now()))
        kept = await house.until_kept("old", "new")
    after = house.again()
    await after.room.start()
    async with after.running():
        assert await after.until_told(1) == [("new", "began")]
        after.room.raise_alert(alert("old", at=house.time.now()))
        after.room.raise_alert(alert("later", at=house.time.now()))
        assert await after.until_told(2) == [("new", "began"), ("later", "began")]
    assert {item.id for item in kept} < {item.id for item in after.room.open()}
    assert after.gauge("anomaly") == 3


async def test_after_a_restart_what_nobody_raises_again_is_over_when_its_time_has_passed(house: IncidentHouse) -> None:
    async with house.running():
        house.room.raise_alert(alert("quiet"))
        house.room.raise_alert(alert("month", lasts_s=10_000))
        await house.until_kept("quiet", "month")
    house.time.passed_s = 1000
    after = house.again()
    await after.room.start()
    house.time.passed_s = 1120
    after.room.look()
    assert [item.fingerprint for item in after.room.open()] == ["month"]
    house.time.passed_s = 10_000
    after.room.look()
    assert after.room.open() == ()


async def test_an_end_that_was_not_told_before_a_death_is_told_after_it(house: IncidentHouse) -> None:
    async with house.running():
        house.room.raise_alert(alert())
        await house.until_kept("spike")
        await house.until_told(1)
    house.room.raise_alert(alert(resolved=True))
    await house.room.settle(1)
    house.time.passed_s = 1000
    after = house.again()
    await after.room.start()
    async with after.running():
        house.time.passed_s = 1120
        assert await after.until_told(1) == [("spike", "resolved")]


async def test_what_another_home_has_open_is_left_to_it_unless_nobody_touched_it_for_a_day(
    house: IncidentHouse, tmp_path: Path
) -> None:
    other = IncidentHouse(tmp_path / "other.open", house.metadata, house.time)
    async with other.running():
        other.room.raise_alert(alert("theirs", at=NOW - timedelta(hours=23)))
        other.room.raise_alert(alert("left", at=NOW - timedelta(hours=25)))
        await house.until_kept("theirs", "left")
    after = house.again()
    await after.room.start()
    assert [item.fingerprint for item in after.room.open()] == ["left"]


async def test_a_start_without_a_store_goes_on_with_what_was_open_when_it_is_back(house: IncidentHouse) -> None:
    async with house.running():
        house.room.raise_alert(alert("old"))
        house.room.raise_alert(alert("both"))
        kept = await house.until_kept("old", "both")
    await house.metadata.close()  # this one forgets all
    after = house.again()
    await after.room.start()
    after.room.raise_alert(alert("both"))
    await after.room.settle(1)  # what is noted of the process before is not lost to this
    await house.metadata.start()
    for incident in kept:
        await house.metadata.keep_incident(incident)
    await after.room.ask()
    assert [item.fingerprint for item in after.room.open()] == ["both", "old"]
    assert [item in kept for item in after.room.open()] == [False, True]


async def test_what_is_taken_on_elsewhere_is_told_here(house: IncidentHouse) -> None:
    async with house.running():
        house.room.raise_alert(alert())
        (kept,) = await house.until_kept("spike")
        taken_on = replace(kept, acknowledged_at=NOW, acknowledged_by="key-1")
        await house.metadata.keep_incident(taken_on)
        await house.room.ask()
        await house.room.ask()
        assert await house.until_told(2) == [("spike", "began"), ("spike", "acknowledged")]
    assert house.room.open() == (taken_on,)


async def test_a_tenant_that_is_forgotten_is_neither_kept_nor_told_of_any_more(house: IncidentHouse) -> None:
    house.room.raise_alert(alert())
    house.room.raise_alert(alert("gone"))
    house.room.raise_alert(alert("gone", resolved=True))
    house.room.raise_alert(alert("other", tenant="other"))
    house.room.forget("acme")
    async with house.running():
        await house.until_kept("other")
        assert await house.until_told(1) == [("other", "began")]
    assert [item.tenant for item in await house.kept()] == ["other"]
    assert house.gauge("anomaly") == 1


async def test_a_storm_is_bounded_told_within_bounds_and_all_of_it_is_counted(house: IncidentHouse) -> None:
    for number in range(20_000):
        house.room.raise_alert(alert(str(number), tenant=str(number % 7)))
    async with house.running():
        told = await house.until_told(1000)
        async with asyncio.timeout(60):
            while len(await house.kept()) < 1000:
                await asyncio.sleep(0.01)
        assert house.pager.paged[-1][2] is IncidentChange.BEGAN
        assert len(told) == 1000
    crowd = house.room.open()[-1]
    assert len(house.room.open()) == 1000
    assert 999 + crowd.count == 20_000


async def test_of_changes_that_nobody_takes_in_time_the_oldest_are_not_told_but_kept(
    house: IncidentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    for number in range(5001):
        house.room.raise_alert(alert(str(number), severity=Severity.LOW))
        house.room.raise_alert(alert(str(number), severity=Severity.LOW, resolved=True))
    assert caplog.text.count("plugins are too slow to be told of this") == 2
    await house.room.settle(10)
    async with house.running():
        assert (await house.until_told(10_000))[0] == ("1", "began")
    page = await house.metadata.incidents(Scope(), IncidentFilter(fingerprint="0"), limit=10)
    assert [item.state for item in page.incidents] == [IncidentState.RESOLVED]


@pytest.mark.parametrize(("category", "level"), [("finding", "INFO"), ("anomaly", "INFO"), ("store", "ERROR")])
async def test_what_calls_show_is_no_error_of_the_house(
    house: IncidentHouse, caplog: pytest.LogCaptureFixture, category: str, level: str
) -> None:
    caplog.set_level(logging.INFO)
    async with house.running():
        house.room.raise_alert(alert(category=category))
        await house.until_told(1)
    assert [record.levelname for record in caplog.records if "trouble: " in record.getMessage()] == [level]
