"""An incident: an alert over its life, from its beginning to its end, with who took it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from midwatch_core.model.finding import Severity


class IncidentState(StrEnum):
    """How an incident stands. One that is acknowledged goes on, but somebody sees to it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class IncidentChange(StrEnum):
    """What there is to tell of an incident. `WORSE`: its severity has risen."""

    BEGAN = "began"
    WORSE = "worse"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One trouble of one fingerprint; a fingerprint that comes back after its end is a further incident.

    `category`, `title`, `tenant` and `details` are those of the alert that came last. `count` is how often it came,
    `last_at` when it last did. `acknowledged_by` is a key's name, or a channel's for whoever followed its link.
    """

    id: str
    fingerprint: str
    category: str
    severity: Severity
    title: str
    began_at: datetime
    last_at: datetime
    tenant: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    count: int = 1
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None

    @property
    def state(self) -> IncidentState:
        """How it stands."""
        if self.resolved_at is not None:
            return IncidentState.RESOLVED
        return IncidentState.OPEN if self.acknowledged_at is None else IncidentState.ACKNOWLEDGED
