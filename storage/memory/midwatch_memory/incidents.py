"""Incidents in memory: those that are wanted, page by page, and those that go."""

from collections.abc import Iterator
from datetime import datetime

from midwatch_core import (
    Incident,
    IncidentFilter,
    IncidentPage,
    Scope,
    decode_cursor,
    encode_cursor,
    merge_incidents,
    microseconds,
)
from midwatch_memory.scope import check_limit, within


class Incidents:
    """At most `capacity` incidents. Those that ended longest ago make room, then those that came longest ago."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: dict[str, Incident] = {}

    def keep(self, given: Incident) -> Incident:
        """Merge it with the one of its id; how it stands now. Raises StorageError for a moment without a time zone."""
        for moment in filter(None, (given.began_at, given.last_at, given.acknowledged_at, given.resolved_at)):
            microseconds(moment)
        kept = self._kept.get(given.id)
        incident = given if kept is None else merge_incidents(kept, given)
        self._kept[given.id] = incident
        if len(self._kept) > self._capacity:
            del self._kept[min(self._kept.values(), key=_age).id]
        return incident

    def one(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident in scope."""
        incident = self._kept.get(incident_id)
        return incident if incident is not None and within(scope, incident.tenant) else None

    def page(self, scope: Scope, wanted: IncidentFilter, limit: int, cursor: str | None) -> IncidentPage:
        """A page of incidents in scope, the last begun first. Raises StorageError."""
        check_limit(limit, "incidents")
        found = sorted(self._wanted(scope, wanted), key=_place, reverse=True)
        if cursor is not None:
            last = decode_cursor(cursor)
            found = [one for one in found if _place(one) < last]
        page = found[:limit]
        more = len(found) > limit
        return IncidentPage(incidents=page, cursor=encode_cursor(*_place(page[-1])) if more else None)

    def _wanted(self, scope: Scope, wanted: IncidentFilter) -> Iterator[Incident]:
        if wanted.since is not None:
            microseconds(wanted.since)
        return (one for one in self._kept.values() if within(scope, one.tenant) and _matches(one, wanted))

    def forget(self, before: datetime | None, tenant: str | None) -> int:
        """Forget as `MetadataRepository.forget_incidents` says; how many went. Raises StorageError."""
        if before is not None:
            microseconds(before)
        gone = [one.id for one in self._kept.values() if _goes(one, before, tenant)]
        for incident_id in gone:
            del self._kept[incident_id]
        return len(gone)


def _matches(incident: Incident, wanted: IncidentFilter) -> bool:
    if wanted.states and incident.state not in wanted.states:
        return False
    if wanted.since is not None and incident.last_at < wanted.since:
        return False
    if wanted.severity is not None and incident.severity.rank < wanted.severity.rank:
        return False
    return all(
        getattr(wanted, name) in (None, getattr(incident, name)) for name in ("tenant", "category", "fingerprint")
    )


def _goes(incident: Incident, before: datetime | None, tenant: str | None) -> bool:
    if before is None:
        return tenant is not None and incident.tenant == tenant
    ended = incident.resolved_at is not None and incident.resolved_at < before
    return ended and tenant in (None, incident.tenant)


def _place(incident: Incident) -> tuple[datetime, str]:
    return incident.began_at, incident.id


def _age(incident: Incident) -> tuple[bool, datetime]:
    """The least makes room first."""
    return incident.resolved_at is None, incident.resolved_at or incident.last_at
