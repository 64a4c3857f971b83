"""The desk of alerts: who sees which incidents and takes them on, on record; in control, and in a face alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.control.incidents.glance import Glance
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.alert_desk import AlertDesk, SignedLink
from midwatch_core.alert_outbox import DeliveryState
from midwatch_core.errors import StorageError
from midwatch_core.hookspecs import hookimpl
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.incident import Incident, IncidentState
from midwatch_core.ports import Scope
from tests.addons.control.conftest import until
from tests.addons.control.incident_house import IncidentHouse, alert
from tests.plugins.web.kept_outbox import KeptOutbox, delivery, sending

ACME = Caller(name="key-acme", role=AccessRole.OPERATOR, tenant="acme")
OTHER = Caller(name="key-other", role=AccessRole.OPERATOR, tenant="other")
OPERATOR = Caller(name="key-ops", role=AccessRole.OPERATOR)
VIEWER = Caller(name="key-viewer", role=AccessRole.VIEWER)


@pytest.fixture
async def house(tmp_path: Path) -> IncidentHouse:
    made = IncidentHouse(tmp_path / "incidents.open")
    await made.metadata.start()
    return made


@pytest.fixture(params=["control", "alone"])
async def desk(request: pytest.FixtureRequest, house: IncidentHouse) -> AlertDesk:
    """A desk over a store in which there are incidents of acme, of another tenant and of nobody."""
    for tenant in ("acme", "other", None):
        house.room.raise_alert(alert(tenant=tenant))
    await house.room.settle(5)
    return house.desk if request.param == "control" else house.alone()


async def one(desk: AlertDesk, tenant: str | None) -> Incident:
    page = await desk.incidents(Scope(), IncidentFilter(), limit=10)
    return next(item for item in page.incidents if item.tenant == tenant)


async def test_everybody_sees_what_is_in_scope(desk: AlertDesk) -> None:
    page = await desk.incidents(ACME.scope, IncidentFilter(), limit=10)
    assert [item.tenant for item in page.incidents] == ["acme"]
    whole = await desk.incidents(Scope(), IncidentFilter(), limit=10)
    assert {item.tenant for item in whole.incidents} == {"acme", "other", None}
    for tenant in ("other", None):
        incident = await one(desk, tenant)
        assert await desk.incident(ACME.scope, incident.id) is None
        assert await desk.incident(Scope(), incident.id) == incident
    mine = await one(desk, "acme")
    assert await desk.incident(ACME.scope, mine.id) == mine


async def test_one_is_taken_on_once_on_record_and_stands_so_in_the_store(desk: AlertDesk, house: IncidentHouse) -> None:
    incident = await one(desk, "acme")
    taken_on = await desk.acknowledge(ACME, incident.id)
    assert taken_on is not None
    assert (taken_on.state, taken_on.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "key-acme")
    assert await house.metadata.incident(Scope(), incident.id) == taken_on
    assert await desk.acknowledge(LOCAL, incident.id) == taken_on
    (entry,) = await house.metadata.audit(ACME.scope, limit=10)
    assert (entry.record.actor, entry.record.action, entry.record.subject) == (
        "key-acme",
        "alert.acknowledge",
        incident.id,
    )
    assert entry.record.details == {
        "fingerprint": "spike",
        "category": "anomaly",
        "title": "spike is not as usual",
    }


async def test_of_two_who_take_one_on_at_once_one_did(desk: AlertDesk, house: IncidentHouse) -> None:
    incident = await one(desk, "acme")
    both = await asyncio.gather(desk.acknowledge(ACME, incident.id), desk.acknowledge(LOCAL, incident.id))
    assert both[0] == both[1]
    assert len(await house.metadata.audit(Scope(), limit=10)) == 1


async def test_whoever_may_not_does_not(desk: AlertDesk, house: IncidentHouse) -> None:
    incident = await one(desk, "acme")
    with pytest.raises(AccessDeniedError, match="viewer takes on no alerts"):
        await desk.acknowledge(VIEWER, incident.id)
    assert await desk.acknowledge(OTHER, incident.id) is None
    assert await desk.acknowledge(OTHER, "no such id") is None
    assert (await one(desk, "acme")).state is IncidentState.OPEN
    assert await house.metadata.audit(Scope(), limit=10) == []


async def test_a_signed_link_takes_one_on_in_the_name_of_its_channel(desk: AlertDesk) -> None:
    incident = await one(desk, None)
    link = desk.link_of(desk.signed(incident.id, "ops"))
    assert isinstance(link, SignedLink)
    assert (link.incident_id, link.channel) == (incident.id, "ops")
    taken_on = await desk.acknowledge_by(link)
    assert taken_on is not None
    assert taken_on.acknowledged_by == "link:ops"
    assert await desk.acknowledge_by(SignedLink(incident_id="gone", channel="ops")) is None


async def test_a_store_that_is_away_takes_nothing_on(house: IncidentHouse) -> None:
    house.room.raise_alert(alert())
    await house.metadata.close()
    (incident,) = house.desk.open()
    assert await house.desk.incident(Scope(), incident.id) == incident
    with pytest.raises(StorageError):
        await house.desk.acknowledge(LOCAL, incident.id)
    assert house.desk.open() == (incident,)


async def test_one_can_be_taken_on_before_it_is_kept_and_plugins_are_told(house: IncidentHouse) -> None:
    house.desk.raise_alert(alert())
    (incident,) = house.desk.open()
    assert await house.desk.acknowledge(ACME, incident.id) == house.desk.open()[0]
    async with house.running():
        assert await house.until_told(2) == [("spike", "began"), ("spike", "acknowledged")]


async def test_what_is_taken_on_in_a_face_alone_is_told_in_control(house: IncidentHouse) -> None:
    async with house.running():
        house.desk.raise_alert(alert())
        (incident,) = await house.until_kept("spike")
        await house.alone().acknowledge(ACME, incident.id)
        await house.room.ask()
        assert await house.until_told(2) == [("spike", "began"), ("spike", "acknowledged")]


async def test_one_that_is_over_stays_as_it_is(house: IncidentHouse) -> None:
    async with house.running():
        house.desk.raise_alert(alert())
        house.desk.raise_alert(alert(resolved=True))
        await house.until_told(2)
        (incident,) = await house.until_kept("spike")
        while incident.resolved_at is None:
            await asyncio.sleep(0.002)
            (incident,) = await house.kept()
    assert await house.desk.acknowledge(ACME, incident.id) == incident


def test_in_a_face_alone_nothing_is_raised(house: IncidentHouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    desk = house.alone()
    desk.raise_alert(alert())
    assert (desk.open(), desk.outbox) == ((), None)
    assert "an alert is raised where nobody takes any" in caplog.text


class Sender:
    """A plugin with an outbox; what it is does not matter here."""

    outbox = object()

    @hookimpl
    def alert_outbox(self, host: Host) -> object:
        return self.outbox if host.role is Role.CONTROL else None


def test_the_outbox_is_that_of_the_plugin_which_has_one(house: IncidentHouse) -> None:
    plugins = Plugins()
    plugins.add("sender", Sender)
    plugins.activate({})
    desk = house.desk
    desk.reach(plugins, Host(role=Role.FACE, home=house.notes.parent, metrics=house.metrics))
    assert desk.outbox is None
    desk.reach(plugins, Host(role=Role.CONTROL, home=house.notes.parent, metrics=house.metrics))
    assert desk.outbox is Sender.outbox


def control_of(house: IncidentHouse) -> Host:
    return Host(role=Role.CONTROL, home=house.notes.parent, metrics=house.metrics)


async def test_a_test_and_a_retry_are_on_record_before_anything_is_sent(house: IncidentHouse) -> None:
    box = KeptOutbox(
        kept=[delivery(f"d-{n}", state=DeliveryState.SENT if n == 2 else DeliveryState.DEAD) for n in (1, 2, 3)]
    )
    house.desk.reach(sending(box), control_of(house))
    tested = await house.desk.test_channel(OPERATOR, "on-call")
    assert tested is not None
    assert tested.state is DeliveryState.SENT
    assert await house.desk.test_channel(OPERATOR, "nosuch") is None
    assert [await house.desk.retry(LOCAL, one) for one in ("d-1", "d-1", "d-2", "nosuch")] == [
        True,
        False,
        False,
        False,
    ]
    records = [entry.record for entry in reversed(await house.metadata.audit(Scope(), limit=10))]
    assert [(one.actor, one.action, one.subject, dict(one.details), one.tenant) for one in records] == [
        ("key-ops", "alert.test", "on-call", {}, None),
        ("local", "alert.retry", "d-1", {"channel": "on-call"}, None),
    ]
    before = list(box.kept)
    await house.metadata.close()
    for asked in (house.desk.test_channel(OPERATOR, "on-call"), house.desk.retry(OPERATOR, "d-3")):
        with pytest.raises(StorageError):
            await asked
    assert box.kept == before


@pytest.mark.parametrize("caller", [VIEWER, ACME], ids=["viewer", "of a tenant"])
async def test_who_may_send_nothing_is_refused_and_not_on_record(house: IncidentHouse, caller: Caller) -> None:
    house.desk.reach(sending(KeptOutbox()), control_of(house))
    for asked in (house.desk.test_channel(caller, "on-call"), house.desk.retry(caller, "d-1")):
        with pytest.raises(AccessDeniedError):
            await asked
    assert await house.metadata.audit(Scope(), limit=10) == []


async def test_a_face_alone_sees_what_goes_on_in_the_store_and_keeps_what_it_saw(
    house: IncidentHouse, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("first", "second", "over"):
        house.time.passed_s += 1
        house.room.raise_alert(alert(name, at=house.time.now()))
    house.room.acknowledge(house.room.open()[0].id, "key-1")
    await house.room.settle(5)
    desk = house.alone()
    (over,) = [item for item in await house.kept() if item.fingerprint == "over"]
    await house.metadata.keep_incident(replace(over, resolved_at=house.time.now()))
    watching = asyncio.create_task(desk.watch())
    await until(lambda: desk.open() != ())
    watching.cancel()
    assert [(item.fingerprint, item.state.value) for item in desk.open()] == [
        ("first", "acknowledged"),
        ("second", "open"),
    ]
    seen, glance = desk.open(), Glance(house.metadata)
    await glance.look()
    await house.metadata.close()
    for _ in range(2):
        await glance.look()
    assert glance.open == seen
    assert caplog.text.count("which alerts are open can't be seen now") == 1


async def test_control_itself_does_not_look_into_the_store(house: IncidentHouse) -> None:
    await house.desk.watch()
    assert house.desk.open() == ()
