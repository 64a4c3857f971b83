"""A message: what is sent to a channel, in words and with what a channel of its own format needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from midwatch_core import Incident, Severity


class MessageKind(StrEnum):
    """Why it is sent. `ESCALATION`: nobody has taken it on; `DIGEST`: several at once, none of them urgent."""

    BEGAN = "began"
    WORSE = "worse"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    ESCALATION = "escalation"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One incident as a message tells it. `page` is its address in the console, `acknowledge` the signed link.

    Both are empty where the console's address is not known. All texts are plain and without secrets, and may be
    hostile: each channel escapes them in its own way.
    """

    incident_id: str
    fingerprint: str
    category: str
    severity: Severity
    title: str
    tenant: str | None
    began_at: datetime
    last_at: datetime
    count: int
    details: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    page: str = ""
    acknowledge: str = ""

    @classmethod
    def of(cls, incident: Incident, *, page: str = "", acknowledge: str = "") -> "Told":
        """An incident whose texts are plain already, as it stands."""
        return cls(
            incident_id=incident.id,
            fingerprint=incident.fingerprint,
            category=incident.category,
            severity=incident.severity,
            title=incident.title,
            tenant=incident.tenant,
            began_at=incident.began_at,
            last_at=incident.last_at,
            count=incident.count,
            details=incident.details,
            acknowledged_by=incident.acknowledged_by or "",
            resolved_at=incident.resolved_at,
            page=page,
            acknowledge=acknowledge,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `id` is the same however often it is sent; `key` is that of the trouble in a service that keeps
    count of its own (`dedup_key`, `alias`): equal for one incident's beginning and end, one tenant's alone.

    `incidents` has one, or the gravest first where they are many; `more` counts those that are left out. `again`: it
    may have been sent before, for what became of it is not known.
    """

    id: str
    kind: MessageKind
    key: str
    severity: Severity
    title: str
    incidents: Sequence[Told]
    made_at: datetime
    installation: str = "Midwatch"
    more: int = 0
    again: bool = False
