"""A house in which alerts are raised: control's own room and desk over memory, two channels, and four keys."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from midwatch.control.incidents.desk import Desk
from midwatch.control.incidents.links import Links
from midwatch.control.incidents.notes import IncidentNotes
from midwatch.control.incidents.room import METRICS, IncidentRoom
from midwatch_core.access.caller import Caller
from midwatch_core.alert_outbox import AlertOutbox
from midwatch_core.errors import StorageError
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.model.alert import Alert
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident
from midwatch_core.ports import Scope
from midwatch_memory.metadata import MemoryMetadata
from tests.plugins.web.conftest import NOW, FixedClock, House, WatchedTraces
from tests.plugins.web.kept_outbox import KeptOutbox, sending

KEYS = {
    "viewer": Caller(name="viewer", role=AccessRole.VIEWER),
    "operator": Caller(name="operator", role=AccessRole.OPERATOR),
    "viewer-of-acme": Caller(name="viewer-of-acme", role=AccessRole.VIEWER, tenant="acme"),
    "operator-of-acme": Caller(name="operator-of-acme", role=AccessRole.OPERATOR, tenant="acme"),
}
HASH_KEY = b"k" * 32
DETAILS = {"value": "41.20 USD", "baseline": "3.10 USD", "sigma": "0.80", "top_contributors": "agent planner 92 %"}


class Keys:
    """Access by four keys."""

    required = True

    def caller(self, key: str) -> Caller | None:
        return KEYS.get(key)

    def still(self, caller: Caller) -> bool:
        return caller in KEYS.values()


class WatchedMetadata(MemoryMetadata):
    """The memory repository, whose incidents can't be had where a test wants that."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: StorageError | None = None

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        self._fail()
        return await super().incident(scope, incident_id)

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        self._fail()
        return await super().incidents(scope, wanted, limit=limit, cursor=cursor)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def alert(fingerprint: str = "anomaly:acme:model:gpt-5-mini:cost_usd:high", **changes: Any) -> Alert:
    """An anomaly of a tenant, five minutes ago."""
    made = Alert(
        at=NOW - timedelta(minutes=5),
        category="anomaly",
        severity=Severity.HIGH,
        title="Cost of model gpt-5-mini is far above what is usual",
        fingerprint=fingerprint,
        tenant="acme",
        details={
            "value": "41.20 USD",
            "baseline": "3.10 USD",
            "sigma": "0.80",
            "top_contributors": "agent planner 92 %",
        },
    )
    return replace(made, **changes)


@dataclass(slots=True, kw_only=True)
class AlertHouse(House):
    """A house with a room and a desk of incidents, and an outbox."""

    metadata: WatchedMetadata
    room: IncidentRoom
    desk: Desk
    outbox: KeptOutbox = field(default_factory=KeptOutbox)
    role: Role = Role.CONTROL

    def host(self) -> Host:
        return replace(House.host(self), role=self.role, alerts=self.desk)

    async def face_alone(self) -> None:
        """From now on the pages are those of a face alone over the same store, which has looked once."""
        self.role, self.desk = Role.FACE, Desk(self.metadata, FixedClock(), Links(HASH_KEY, FixedClock()), None)
        watching = asyncio.create_task(self.desk.watch())
        async with asyncio.timeout(60):
            while not self.desk.open():
                await asyncio.sleep(0.002)
        watching.cancel()

    async def raise_alert(self, given: Alert) -> Incident:
        """Raise one, and keep what becomes of it."""
        self.desk.raise_alert(given)
        (made,) = [one for one in self.desk.open() if one.fingerprint == given.fingerprint]
        await self.room.settle(1.0)
        return made

    async def end(self, given: Alert) -> None:
        """Say that it is over, and keep that."""
        (going_on,) = [one for one in self.desk.open() if one.fingerprint == given.fingerprint]
        await self.metadata.keep_incident(replace(going_on, resolved_at=NOW))
        self.desk.raise_alert(replace(given, at=NOW, resolved=True))

    def offer(self, outbox: AlertOutbox | None) -> None:
        """Have a plugin that sends, or none."""
        self.desk.reach(Plugins() if outbox is None else sending(outbox), self.host())


async def alert_house(folder: Path) -> AlertHouse:
    """The house, with the notes of its room in `folder`."""
    metadata, traces = WatchedMetadata(), WatchedTraces()
    await metadata.start()
    await traces.start()
    clock = FixedClock()
    house = House(metadata=metadata, traces=traces)
    house.metrics.declare(METRICS)
    room = IncidentRoom(
        metadata,
        Plugins(),
        house.metrics,
        record=lambda _: None,
        clock=clock,
        notes=IncidentNotes(folder / "incidents"),
    )
    await room.start()
    made = AlertHouse(
        metadata=metadata,
        traces=traces,
        metrics=house.metrics,
        access=Keys(),
        room=room,
        desk=Desk(metadata, clock, Links(HASH_KEY, clock), room),
    )
    made.offer(made.outbox)
    return made
