"""Listing incidents: which are wanted, and a page of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentState


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """Which incidents: all conditions hold at once; empty or None asks nothing. `severity` is the least.

    `since` is inclusive and about `last_at`. `tenant` is one tenant's; the installation's own have none.
    """

    states: frozenset[IncidentState] = frozenset()
    since: datetime | None = None
    tenant: str | None = None
    category: str | None = None
    severity: Severity | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """Incidents, the last begun first, and the cursor of the next page; None on the last."""

    incidents: Sequence[Incident]
    cursor: str | None
