"""Which alerts a page shows: from its query string to the desk's words, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlencode

from midwatch_core import Incident, IncidentFilter, IncidentState, Severity

STATES = {
    IncidentState.OPEN: "Open",
    IncidentState.ACKNOWLEDGED: "Acknowledged",
    IncidentState.RESOLVED: "Over",
}
SEVERITIES = tuple(reversed(Severity))
GOING_ON = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsAsked:
    """What the reader chose. `severity` is the least; None is any."""

    state: IncidentState | None = None
    severity: Severity | None = None
    category: str | None = None
    tenant: str | None = None
    fingerprint: str | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "AlertsAsked":
        """From a query string's values; what is none of ours is not chosen."""
        state, severity = query.get("state", ""), query.get("severity", "")
        return cls(
            state=IncidentState(state) if state in list(IncidentState) else None,
            severity=Severity(severity) if severity in list(Severity) else None,
            category=query.get("category") or None,
            tenant=query.get("tenant") or None,
            fingerprint=query.get("fingerprint") or None,
        )

    @property
    def narrows(self) -> bool:
        """Whether anything was chosen."""
        return self != AlertsAsked()

    @property
    def going_on(self) -> frozenset[IncidentState]:
        """Of those that are not over, the states that are wanted."""
        return GOING_ON if self.state is None else GOING_ON & {self.state}

    @property
    def over(self) -> frozenset[IncidentState]:
        """Of those that are over."""
        return frozenset({IncidentState.RESOLVED} if self.state in (None, IncidentState.RESOLVED) else ())

    def wanted(self, states: frozenset[IncidentState]) -> IncidentFilter:
        """The same for the desk, in these states."""
        return IncidentFilter(
            states=states,
            severity=self.severity,
            category=self.category,
            tenant=self.tenant,
            fingerprint=self.fingerprint,
        )

    def takes(self, incident: Incident) -> bool:
        """Whether one that this process knows is wanted."""
        if incident.state not in self.going_on:
            return False
        if self.severity is not None and incident.severity.rank < self.severity.rank:
            return False
        names = ("category", "tenant", "fingerprint")
        return all(getattr(self, name) in (None, getattr(incident, name)) for name in names)

    def query(self, **more: str | None) -> str:
        """The query string that gives this again, `?` included; with `more` in place of what was chosen."""
        values = {**asdict(self), **more}
        chosen = urlencode({name: value for name, value in values.items() if value}, errors="replace")
        return f"?{chosen}" if chosen else ""

    def of(self, fingerprint: str) -> str:
        """The query string for all of one fingerprint."""
        return replace(AlertsAsked(), fingerprint=fingerprint).query()
