"""The desk of alerts, as `AlertDesk`: who may see which incidents, and who takes them on, on record."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from midwatch.control.incidents.glance import Glance
from midwatch.control.incidents.links import Links
from midwatch.control.incidents.room import IncidentRoom
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.alert_desk import LinkFault, SignedLink
from midwatch_core.alert_outbox import AlertOutbox, Delivery, DeliveryState
from midwatch_core.clock import Clock
from midwatch_core.host import Host
from midwatch_core.hosting import Plugins
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.model.alert import Alert
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.incident import Incident, IncidentState
from midwatch_core.ports import MetadataRepository, Scope

logger = logging.getLogger(__name__)


class Desk:
    """See `AlertDesk`. Without a `room` this is a face alone: control learns from the store who took something on."""

    def __init__(self, metadata: MetadataRepository, clock: Clock, links: Links, room: IncidentRoom | None) -> None:
        self._metadata = metadata
        self._clock = clock
        self._links = links
        self._room = room
        self._glance = Glance(metadata)
        self._outbox: AlertOutbox | None = None
        self._turn = asyncio.Lock()  # of two who take one on at once, one did

    @property
    def outbox(self) -> AlertOutbox | None:
        """Where alerts go out, once there is somebody who sends them."""
        return self._outbox

    def reach(self, plugins: Plugins, host: Host) -> None:
        """Offer the outbox of the plugin that has one, when plugins have been started."""
        outcome = plugins.call_first("alert_outbox", host=host)
        self._outbox = None if outcome is None else outcome.value

    def raise_alert(self, alert: Alert) -> None:
        """Take an alert, or its end."""
        if self._room is None:
            logger.info("an alert is raised where nobody takes any: %s", alert.title)
        else:
            self._room.raise_alert(alert)

    def open(self) -> tuple[Incident, ...]:
        """The incidents that are not over, the oldest first; a face alone knows what `watch` saw last."""
        return self._glance.open if self._room is None else self._room.open()

    async def watch(self) -> None:
        """In a face alone: look into the store for what is not over, for ever."""
        if self._room is None:
            await self._glance.run()

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """A page of incidents in scope."""
        return await self._metadata.incidents(scope, wanted, limit=limit, cursor=cursor)

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident: of one that is not over, what is known here is newer than what the store has."""
        found = None if self._room is None else self._room.find(incident_id)
        if found is None:
            return await self._metadata.incident(scope, incident_id)
        return found if _is_in(scope, found) else None

    async def acknowledge(self, caller: Caller, incident_id: str) -> Incident | None:
        """Take one on."""
        if not caller.may(Permission.OPERATE):
            raise AccessDeniedError(f"a key of the role {caller.role} takes on no alerts")
        return await self._take_on(caller.scope, incident_id, caller.name)

    async def acknowledge_by(self, link: SignedLink) -> Incident | None:
        """Take one on in the name of a channel."""
        return await self._take_on(Scope(), link.incident_id, f"link:{link.channel}")

    def signed(self, incident_id: str, channel: str) -> str:
        """A token that is good for a week."""
        return self._links.signed(incident_id, channel)

    def link_of(self, token: str) -> SignedLink | LinkFault:
        """What a token may do."""
        return self._links.link_of(token)

    async def test_channel(self, caller: Caller, channel: str) -> Delivery | None:
        """Send a test."""
        outbox = self._worked(caller)
        if outbox is None or channel not in {row.name for row in outbox.channels()}:
            return None
        await self._on_record(caller, "alert.test", channel, {})
        try:
            return await outbox.test(channel)
        except ValueError:  # a reload took it away meanwhile
            return None

    async def retry(self, caller: Caller, delivery_id: str) -> bool:
        """Send a dead letter again."""
        outbox = self._worked(caller)
        dead = None if outbox is None else await outbox.delivery(delivery_id)
        if outbox is None or dead is None or dead.state is not DeliveryState.DEAD:
            return False
        await self._on_record(caller, "alert.retry", delivery_id, {"channel": dead.channel})
        return await outbox.retry(delivery_id)

    def _worked(self, caller: Caller) -> AlertOutbox | None:
        """The outbox for who sends something: channels are the whole installation's. Raises AccessDeniedError."""
        if caller.tenant is not None:
            raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and channels are for all.")
        if not caller.may(Permission.OPERATE):
            raise AccessDeniedError(f"a key of the role {caller.role} sends nothing to channels")
        return self._outbox

    async def _on_record(self, caller: Caller, action: str, subject: str, details: Mapping[str, str]) -> None:
        at = self._clock.now()
        record = AuditRecord(at=at, actor=caller.name, action=action, subject=subject, details=details)
        await self._metadata.append_audit(record)

    async def _take_on(self, scope: Scope, incident_id: str, by: str) -> Incident | None:
        """On record first, for none may go unrecorded. Kept before it is answered: faces list what the store has."""
        async with self._turn:
            found = await self.incident(scope, incident_id)
            if found is None or found.state is not IncidentState.OPEN:
                return found
            await self._metadata.append_audit(self._record(found, by))
            known = None if self._room is None else self._room.acknowledge(incident_id, by)
            taken_on = known or replace(found, acknowledged_at=self._clock.now(), acknowledged_by=by)
            stands = await self._metadata.keep_incident(taken_on)
        if self._room is None:
            await self._glance.look()  # so that whoever did it sees it counted no more
        return stands

    def _record(self, incident: Incident, by: str) -> AuditRecord:
        return AuditRecord(
            at=self._clock.now(),
            actor=by,
            action="alert.acknowledge",
            subject=incident.id,
            details={"fingerprint": incident.fingerprint, "category": incident.category, "title": incident.title},
            tenant=incident.tenant,
        )


def _is_in(scope: Scope, incident: Incident) -> bool:
    return scope.tenants is None if incident.tenant is None else scope.allows(incident.tenant)
