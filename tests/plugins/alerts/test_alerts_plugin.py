"""The plugin in its host: from an incident to a real receiver, with links, counts, health, and settings that change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from midwatch_alerts import Alerts
from midwatch_alerts.numbers import DEAD, SENT
from midwatch_alerts.outbox_file import FOLDER, OutboxFile
from midwatch_alerts.settings import Settings
from midwatch_core import (
    Alert,
    AlertOutbox,
    ConfigError,
    DeliveryState,
    Host,
    IncidentChange,
    Role,
    Severity,
    StorageError,
)
from midwatch_core.hosting import Plugins
from midwatch_core.incidents import Incidents
from midwatch_memory.cache import MemoryCache
from tests.plugins.alerts.alerts_house import (
    NOW,
    OpenIncidents,
    SetClock,
    counted,
    done,
    host,
    incident,
    settings,
    webhook,
)
from tests.plugins.alerts.channels.receiver import Receiver, receiving

BEGAN, RESOLVED = IncidentChange.BEGAN, IncidentChange.RESOLVED


@asynccontextmanager
async def running(told: Settings, house: Host) -> AsyncIterator[Alerts]:
    plugin = Alerts(told)
    await done(plugin.startup(house))
    try:
        yield plugin
    finally:
        await done(plugin.shutdown(house))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not there():
            await asyncio.sleep(0.01)


def outbox_of(plugin: Alerts, house: Host) -> AlertOutbox:
    box = plugin.alert_outbox(house)
    assert box is not None
    return box


def data(receiver: Receiver, number: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = receiver.taken[number].document()["data"]
    return found


def test_it_loads_with_its_section() -> None:
    plugins = Plugins()
    plugins.add("alerts", lambda: Alerts)
    assert plugins.sections() == {"alerts": Settings}
    plugins.activate({"alerts": Settings()})
    assert plugins.implementers("notify") == ("alerts",)


async def test_an_incident_reaches_its_channel_with_links_and_what_it_has_come_to(
    tmp_path: Path, receiver: Receiver
) -> None:
    began = incident(1, severity=Severity.CRITICAL)
    desk = OpenIncidents([replace(began, count=100_000, details={"rule": "acme/x"})])
    house = host(tmp_path, desk=desk)
    async with running(settings([webhook(receiver.url)], console_url="https://m.example"), house) as plugin:
        await done(plugin.notify(began, BEGAN))
        await until(lambda: len(receiver.taken) == 1)
        (told,) = data(receiver)["incidents"]
        assert (told["count"], told["details"]) == (100_000, {"rule": "acme/x"})
        assert told["page"] == "https://m.example/alerts/i-1"
        assert told["acknowledge"] == "https://m.example/alerts/acknowledge/i-1.ops"
        await until(lambda: counted(house.metrics).get((SENT, "ops", "began")) == 1)


async def test_ten_thousand_incidents_are_one_message_that_counts_them(tmp_path: Path, receiver: Receiver) -> None:
    house = host(tmp_path)
    async with running(settings([webhook(receiver.url)], group_s=3_600), house) as plugin:
        for number in range(10_000):
            await done(plugin.notify(incident(number, details={"text": "x" * 2_000}), BEGAN))
    size = sum(file.stat().st_size for file in (tmp_path / FOLDER).iterdir())
    assert size < 16 * 1024**2
    assert receiver.taken == []
    async with running(settings([webhook(receiver.url)], group_s=0, digest_s=0, cooldown_s=0), house):
        await until(lambda: len(receiver.taken) == 1)
        told = data(receiver)
        assert len(told["incidents"]) + told["more"] == 10_000
    assert len(receiver.taken) == 1


async def test_a_hundred_thousand_findings_are_one_message_that_has_counted_them_all(
    tmp_path: Path, receiver: Receiver
) -> None:
    numbers, desk = count(), OpenIncidents()
    incidents = Incidents(lambda at: f"i-{next(numbers)}")
    findings = [
        Alert(
            at=NOW,
            category="finding",
            severity=Severity.HIGH,
            title=f"A finding of acme/rule-{rule}",
            fingerprint=f"finding:acme:acme/rule-{rule}",
            tenant="acme",
        )
        for rule in range(8)
    ]
    house = host(tmp_path, desk=desk)
    async with running(settings([webhook(receiver.url)], group_s=3_600), house) as plugin:
        for number in range(100_000):
            for news in incidents.take(findings[number % 8], 0.0):
                if news.change is not None:
                    await done(plugin.notify(news.incident, news.change))
    desk.incidents = list(incidents.open)
    async with running(settings([webhook(receiver.url)], group_s=0, digest_s=0, cooldown_s=0), house):
        await until(lambda: len(receiver.taken) == 1)
    told = data(receiver)["incidents"]
    assert (len(told), sum(one["count"] for one in told)) == (8, 100_000)


async def test_the_outbox_is_there_for_faces(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [(400, {}, b"no such hook"), (200, {}, b"ok")]
    house = host(tmp_path)
    async with running(settings([webhook(receiver.url)], group_s=0), house) as plugin:
        box = outbox_of(plugin, house)
        await done(plugin.notify(incident(1), BEGAN))
        async with asyncio.timeout(30):
            while not (dead := await box.deliveries(state=DeliveryState.DEAD, limit=10)):
                await asyncio.sleep(0.01)
        assert [one.incidents for one in dead] == [("i-1",)]
        await until(lambda: box.channels()[0].dead == 1)
        assert "400" in box.channels()[0].problem
        health = plugin.health()
        assert health is not None
        assert health.facts["channels"] == {"ops": {"waiting": 0, "dead": 1, "problem": box.channels()[0].problem}}
        assert counted(house.metrics)[(DEAD, "ops")] == 1
        assert await box.retry(dead[0].id)
        assert not await box.retry("nothing")
        await until(lambda: len(receiver.taken) == 2)
        assert receiver.taken[0].headers["webhook-id"] == receiver.taken[1].headers["webhook-id"]


async def test_a_test_is_sent_now_and_says_how_it_went(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [(200, {}, b"ok"), (500, {}, b"down")]
    house = host(tmp_path)
    async with running(settings([webhook(receiver.url)]), house) as plugin:
        box = outbox_of(plugin, house)
        went = await box.test("ops")
        assert (went.state, went.problem, went.sent_at is None) == (DeliveryState.SENT, "", False)
        failed = await box.test("ops")
        assert failed.state is DeliveryState.DEAD
        assert "500" in failed.problem
        with pytest.raises(ValueError, match="no channel 'nobody'"):
            await box.test("nobody")
        assert data(receiver)["kind"] == "test"


async def test_without_channels_nothing_is_opened_until_settings_have_some(tmp_path: Path, receiver: Receiver) -> None:
    house = host(tmp_path)
    async with running(Settings(), house) as plugin:
        await done(plugin.notify(incident(1), BEGAN))
        box = outbox_of(plugin, house)
        assert (box.channels(), await box.deliveries(limit=5), await box.retry("x")) == ((), (), False)
        assert plugin.health() is None
        assert not (tmp_path / FOLDER).exists()
        fresh = settings([webhook(receiver.url)], group_s=0)
        await done(plugin.reload(replace(house, settings={"alerts": fresh})))
        await done(plugin.notify(incident(2), BEGAN))
        await until(lambda: len(receiver.taken) == 1)


async def test_settings_that_change_take_hold_and_bad_ones_leave_the_last_good(
    tmp_path: Path, receiver: Receiver
) -> None:
    house = host(tmp_path)
    async with running(settings([webhook("http://127.0.0.1:9/old")], group_s=0), house) as plugin:
        missing = {"name": "ops", "kind": "slack", "webhook_url": "${MIDWATCH_TEST_NOWHERE}"}
        with pytest.raises(ConfigError, match="MIDWATCH_TEST_NOWHERE"):
            await done(plugin.reload(replace(house, settings={"alerts": settings([missing])})))
        assert [row.kind for row in outbox_of(plugin, house).channels()] == ["webhook"]
        fresh = settings([webhook(receiver.url), webhook(receiver.url, "more")], group_s=0)
        await done(plugin.reload(replace(house, settings={"alerts": fresh})))
        await done(plugin.notify(incident(1), BEGAN))
        await until(lambda: len(receiver.taken) == 2)
        await done(plugin.reload(replace(house, settings={"alerts": settings([webhook(receiver.url)], group_s=0)})))
        await done(plugin.notify(incident(2), BEGAN))
        await until(lambda: len(receiver.taken) == 3)
        assert [row.name for row in outbox_of(plugin, house).channels()] == ["ops"]


async def test_what_nobody_acknowledges_is_told_one_step_further_and_what_somebody_does_is_not(
    tmp_path: Path, receiver: Receiver
) -> None:
    route = {"channels": ["ops"], "escalate_to": ["boss"], "after_s": 900}
    clock = SetClock()
    async with receiving() as boss:
        told = settings([webhook(receiver.url), webhook(boss.url, "boss")], group_s=0, routes=[route])
        async with running(told, host(tmp_path, clock=clock)) as plugin:
            for number in (1, 2):
                await done(plugin.notify(incident(number), BEGAN))
            await until(lambda: len(receiver.taken) == 1)
            seen_to = incident(2, acknowledged_at=NOW, acknowledged_by="key-1")
            await done(plugin.notify(seen_to, IncidentChange.ACKNOWLEDGED))
            clock.pass_by(901)
            await until(lambda: len(boss.taken) == 1)
            clock.pass_by(3_600)
            await done(plugin.notify(incident(1, resolved_at=NOW), RESOLVED))
            await until(lambda: len(boss.taken) == 2)
    kinds = [(data(boss, number)["kind"], [one["id"] for one in data(boss, number)["incidents"]]) for number in (0, 1)]
    assert kinds == [("escalation", ["i-1"]), ("resolved", ["i-1"])]


async def test_a_channel_that_is_gone_leaves_no_number_behind(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer(400, b"no")
    house = host(tmp_path)
    async with running(settings([webhook(receiver.url), webhook(receiver.url, "more")], group_s=0), house) as plugin:
        await done(plugin.notify(incident(1), BEGAN))
        await until(lambda: counted(house.metrics).get((DEAD, "more")) == 1)
        await done(plugin.reload(replace(house, settings={"alerts": settings([webhook(receiver.url)], group_s=0)})))
        file = OutboxFile(tmp_path)
        await file.open()
        await file.run(lambda connection: connection.execute("DELETE FROM message").rowcount)
        await file.close()
        await until(lambda: counted(house.metrics)[(DEAD, "more")] == counted(house.metrics)[(DEAD, "ops")] == 0)


async def test_a_channel_that_is_slow_holds_up_no_other(tmp_path: Path, receiver: Receiver) -> None:
    async with receiving(hang=True) as slow:
        told = settings([webhook(slow.url, "slow"), webhook(receiver.url)], group_s=0)
        async with running(told, host(tmp_path)) as plugin:
            for number in range(1, 4):
                await done(plugin.notify(incident(number, category=f"c-{number}"), BEGAN))
            await until(lambda: len(receiver.taken) == 3)
            assert len(slow.taken) == 1
            box = outbox_of(plugin, host(tmp_path))
            waiting = await box.deliveries(state=DeliveryState.WAITING, limit=9)
            assert {one.channel for one in waiting} == {"slow"}


async def test_the_cap_outlives_a_restart_and_a_clock_that_was_years_ahead_keeps_no_channel_silent(
    tmp_path: Path, receiver: Receiver
) -> None:
    told, clock = settings([webhook(receiver.url)], group_s=0, rate_per_minute=1), SetClock()
    clock.at += timedelta(days=3650)
    async with running(told, host(tmp_path, clock=clock)) as plugin:
        await done(plugin.notify(incident(1), BEGAN))
        await until(lambda: len(receiver.taken) == 1)
        await until(lambda: outbox_of(plugin, host(tmp_path)).channels()[0].sent == 1)
    right = SetClock()
    async with running(told, host(tmp_path, clock=right)) as plugin:
        await done(plugin.notify(incident(2), BEGAN))
        await until(lambda: outbox_of(plugin, host(tmp_path)).channels()[0].waiting == 1)
        assert len(receiver.taken) == 1
        right.pass_by(61)
        await until(lambda: len(receiver.taken) == 2)


async def test_no_list_of_messages_shows_a_secret_that_an_alert_forgot(tmp_path: Path, receiver: Receiver) -> None:
    title = "Key sk-proj-abcdefghijklmnop1234 is used twice"
    async with running(settings([webhook(receiver.url)], group_s=0), host(tmp_path)) as plugin:
        await done(plugin.notify(incident(1, title=title), BEGAN))
        await until(lambda: len(receiver.taken) == 1)
        (shown,) = await outbox_of(plugin, host(tmp_path)).deliveries(limit=9)
    assert shown.title == "Key *** is used twice"


async def test_of_two_nodes_that_share_a_cache_one_tells(tmp_path: Path, receiver: Receiver) -> None:
    cache = MemoryCache()
    await cache.start()
    told = settings([webhook(receiver.url)], group_s=0)
    first, second = (host(tmp_path / name, cache=cache) for name in ("a", "b"))
    async with running(told, first) as one, running(told, second) as other:
        await done(one.notify(incident(1), BEGAN))
        await until(lambda: len(receiver.taken) == 1)
        await done(other.notify(incident(1, id="i-other"), BEGAN))
        await done(other.notify(incident(2, id="i-2"), BEGAN))
        await until(lambda: len(receiver.taken) == 2)
        await done(other.notify(replace(incident(1, id="i-other"), resolved_at=NOW), RESOLVED))
        await done(one.notify(replace(incident(1), resolved_at=NOW), RESOLVED))
        await until(lambda: len(receiver.taken) == 3)
    await cache.close()
    named = [data(receiver, number)["incidents"][0]["id"] for number in range(3)]
    assert named == ["i-1", "i-2", "i-1"]


async def test_a_cache_that_is_away_keeps_nothing_back(tmp_path: Path, receiver: Receiver) -> None:
    cache = MemoryCache()  # never opened: it raises as one that is away
    with pytest.raises(StorageError):
        await cache.lease("x", "y", 5)
    async with running(settings([webhook(receiver.url)], group_s=0), host(tmp_path, cache=cache)) as plugin:
        await done(plugin.notify(incident(1), BEGAN))
        await until(lambda: len(receiver.taken) == 1)


async def test_only_control_sends(tmp_path: Path) -> None:
    for role in (Role.WORKER, Role.FACE, Role.COMMAND):
        house = replace(host(tmp_path), role=role)
        async with running(settings([webhook("http://127.0.0.1:9")]), house) as plugin:
            assert plugin.alert_outbox(house) is None
            assert plugin.notify(incident(1), BEGAN) is None
    assert not (tmp_path / FOLDER).exists()


async def test_a_home_that_can_not_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where a folder should be")
    with pytest.raises(ConfigError, match=r"alerts: .*outbox\.db"):
        await done(Alerts(settings([webhook("http://127.0.0.1:9")])).startup(host(tmp_path)))


async def test_hostile_texts_are_cut_and_can_be_kept(tmp_path: Path, receiver: Receiver) -> None:
    hostile = "\ud800@everyone \x00" + "x" * 1_000_000
    bad = incident(1, title=hostile, details={hostile: hostile}, category=hostile, tenant=hostile, fingerprint=hostile)
    async with running(settings([webhook(receiver.url)], group_s=0), host(tmp_path)) as plugin:
        await done(plugin.notify(bad, BEGAN))
        await until(lambda: len(receiver.taken) == 1)
        assert len(receiver.taken[0].body) < 32 * 1024
