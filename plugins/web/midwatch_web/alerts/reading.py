"""One alert with all that belongs to it: what led to it, where it was told of, and when it was there before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from midwatch_core import (
    AlertDesk,
    AlertOutbox,
    Caller,
    Delivery,
    Host,
    Incident,
    IncidentFilter,
    StorageError,
    StorageUnavailableError,
)
from midwatch_web.alerts.advice import ADVICE, Place, places_of
from midwatch_web.alerts.lasting import lasting
from midwatch_web.serving.openalerts import current_alerts

_MOST_DELIVERIES = 50
_MOST_EARLIER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The page of an alert. `deliveries` is None where this caller or process sees none.

    `outbox_problem` is why they can't be read at the moment.
    """

    incident: Incident
    lasted: str
    details: Sequence[tuple[str, str]]
    advice: str
    places: Sequence[Place]
    earlier: Sequence[Incident]
    deliveries: Sequence[Delivery] | None
    outbox_problem: str = ""


async def read_alert(desk: AlertDesk, host: Host, caller: Caller, incident_id: str) -> Shown | None:
    """An alert in the caller's scope; None where there is none.

    One that goes on is known without a store. Raises StorageError.
    """
    try:
        incident = await desk.incident(caller.scope, incident_id)
        earlier = await _earlier(desk, caller, incident) if incident is not None else ()
    except StorageUnavailableError:
        incident, earlier = _known(host, caller, incident_id), ()
        if incident is None:
            raise
    if incident is None:
        return None
    deliveries, problem = await _deliveries(desk.outbox if caller.tenant is None else None, incident)
    return Shown(
        incident=incident,
        lasted=_lasted(incident, host.clock.now()),
        details=[(name, value) for name, value in incident.details.items() if value],
        advice=ADVICE.get(incident.category, ""),
        places=places_of(incident, whole=caller.tenant is None),
        earlier=earlier,
        deliveries=deliveries,
        outbox_problem=problem,
    )


def _known(host: Host, caller: Caller, incident_id: str) -> Incident | None:
    return next((one for one in current_alerts(host, caller) if one.id == incident_id), None)


async def _earlier(desk: AlertDesk, caller: Caller, incident: Incident) -> list[Incident]:
    wanted = IncidentFilter(fingerprint=incident.fingerprint, tenant=incident.tenant)
    page = await desk.incidents(caller.scope, wanted, limit=_MOST_EARLIER + 1)
    return [one for one in page.incidents if one.id != incident.id][:_MOST_EARLIER]


async def _deliveries(outbox: AlertOutbox | None, incident: Incident) -> tuple[Sequence[Delivery] | None, str]:
    """The messages, and why they can't be read: what is wrong with the outbox must not hide the alert."""
    if outbox is None:
        return None, ""
    try:
        return await outbox.deliveries(incident=incident.id, limit=_MOST_DELIVERIES), ""
    except StorageError as error:
        return (), str(error)


def _lasted(incident: Incident, now: datetime) -> str:
    return lasting((incident.resolved_at or now) - incident.began_at)
