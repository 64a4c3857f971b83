"""The metadata repository in memory."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from midwatch_core import (
    MOST_JUDGED,
    ApiKey,
    AuditEntry,
    AuditRecord,
    Incident,
    IncidentFilter,
    IncidentPage,
    PolicyVersion,
    Report,
    Scope,
    Sighting,
    StorageError,
    Tenant,
    Triage,
    chained,
    microseconds,
    sum_sightings,
)
from midwatch_memory.capacity import DEFAULT
from midwatch_memory.incidents import Incidents
from midwatch_memory.scope import check_limit, within

# Their bodies are whole documents.
_REPORTS = 100


class MemoryMetadata:
    """A MetadataRepository of at most `capacity` audit entries, as many sightings, judgements, incidents; 100 reports.

    The oldest make room.
    """

    # Nothing is there before it is started, and nothing has a schema.
    migrations = None

    def __init__(self, capacity: int = DEFAULT) -> None:
        self._capacity = capacity
        self._open = False
        self._forget()

    def _forget(self) -> None:
        self._settings: dict[str, str] = {}
        self._tenants: dict[str, Tenant] = {}
        self._keys: dict[str, ApiKey] = {}
        self._policies: dict[str, list[PolicyVersion]] = {}
        self._reports: dict[str, Report] = {}
        self._triage: dict[str, Triage] = {}
        self._sightings: dict[tuple[str | None, ...], Sighting] = {}
        self._incidents = Incidents(self._capacity)
        self._audit: deque[AuditEntry] = deque(maxlen=self._capacity)

    async def start(self, *, migrate: bool = True) -> None:
        """Open."""
        self._open = True

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        self._check_open()
        return self._settings.get(key)

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        self._check_open()
        self._settings[key] = value

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants, by name."""
        self._check_open()
        return sorted(self._tenants.values(), key=lambda tenant: tenant.name)

    async def keep_tenant(self, tenant: Tenant) -> None:
        """Keep a tenant, replacing the one of its name. Raises StorageError."""
        self._check_open()
        if tenant.configured:
            raise StorageError(f"tenant {tenant.name[:60]!r} stands in the configuration: change it there")
        microseconds(tenant.created_at)
        self._tenants[tenant.name] = tenant

    async def delete_tenant(self, name: str) -> bool:
        """Forget a tenant; whether it was there."""
        self._check_open()
        return self._tenants.pop(name, None) is not None

    async def keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        self._check_open()
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    async def keep_key(self, key: ApiKey) -> None:
        """Keep a key, replacing the one of its id. Raises StorageError for a moment without a time zone."""
        self._check_open()
        for moment in filter(None, (key.created_at, key.expires_at, key.revoked_at)):
            microseconds(moment)
        self._keys[key.id] = key

    async def policy_versions(self, name: str, *, limit: int) -> Sequence[PolicyVersion]:
        """The versions of a policy, newest first. Raises StorageError."""
        self._check_open()
        check_limit(limit, "versions")
        return self._policies.get(name, [])[::-1][:limit]

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        """Keep a further version of a policy. Raises StorageError for a moment without a time zone."""
        self._check_open()
        microseconds(at)
        versions = self._policies.setdefault(name, [])
        version = PolicyVersion(name=name, version=len(versions) + 1, text=text, author=author, created_at=at)
        versions.append(version)
        return version

    async def keep_report(self, report: Report) -> None:
        """Keep a report, replacing the one of its id. Raises StorageError for a moment without a time zone."""
        self._check_open()
        for moment in filter(None, (report.created_at, report.since, report.until)):
            microseconds(moment)
        self._reports[report.id] = report
        if len(self._reports) > _REPORTS:
            del self._reports[min(self._reports.values(), key=_age).id]

    async def report(self, scope: Scope, report_id: str) -> Report | None:
        """One report in scope."""
        self._check_open()
        report = self._reports.get(report_id)
        return report if report is not None and within(scope, report.tenant) else None

    async def reports(self, scope: Scope, *, limit: int) -> Sequence[Report]:
        """The newest reports in scope, newest first, with empty bodies. Raises StorageError."""
        self._check_open()
        check_limit(limit, "reports")
        seen = [report for report in self._reports.values() if within(scope, report.tenant)]
        return [replace(report, body=b"") for report in sorted(seen, key=_age, reverse=True)[:limit]]

    async def keep_triage(self, triage: Triage) -> None:
        """Keep a judgement, replacing the one on the same finding. Raises StorageError as `keep_report` does."""
        self._check_open()
        microseconds(triage.at)
        self._triage[triage.finding_id] = triage
        if len(self._triage) > self._capacity:
            del self._triage[min(self._triage.values(), key=lambda one: one.at).finding_id]

    async def triage(self, scope: Scope, finding_ids: Sequence[str]) -> Sequence[Triage]:
        """The judgements in scope on these findings. Raises StorageError."""
        self._check_open()
        if len(finding_ids) > MOST_JUDGED:
            raise StorageError(f"{len(finding_ids)} findings asked for: at most {MOST_JUDGED} at once")
        judged = filter(None, map(self._triage.get, dict.fromkeys(finding_ids)))
        return [one for one in judged if scope.allows(one.tenant)]

    async def forget_triage(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget judgements of which all that is given holds; how many went. Raises StorageError."""
        self._check_open()
        if before is not None:
            microseconds(before)
        kept = {
            one.finding_id: one
            for one in self._triage.values()
            if (before is not None and one.at >= before) or tenant not in (None, one.tenant)
        }
        gone, self._triage = len(self._triage) - len(kept), kept
        return gone

    async def sight(self, sightings: Sequence[Sighting]) -> None:
        """Add sightings to those that are alike. Raises StorageError for a moment without a time zone."""
        self._check_open()
        for key, sighting in sum_sightings(sightings).items():
            before = self._sightings.get(key)
            self._sightings[key] = sum_sightings([before, sighting])[key] if before is not None else sighting
        if len(self._sightings) > self._capacity:
            kept = sorted(self._sightings, key=lambda key: self._sightings[key].last_at)[-self._capacity :]
            self._sightings = {key: self._sightings[key] for key in kept}

    async def sightings(self, scope: Scope, *, since: datetime | None = None, limit: int) -> Sequence[Sighting]:
        """Sightings in scope, newest last moment first. Raises StorageError."""
        self._check_open()
        check_limit(limit, "sightings")
        if since is not None:
            microseconds(since)
        seen = [one for one in self._sightings.values() if scope.allows(one.tenant)]
        newest = sorted(seen, key=lambda one: one.last_at, reverse=True)
        return [one for one in newest if since is None or one.last_at >= since][:limit]

    async def forget_sightings(
        self, *, before: datetime | None = None, tenant: str | None = None, client: str | None = None
    ) -> int:
        """Forget sightings of which all that is given holds; how many went. Raises StorageError."""
        self._check_open()
        if before is not None:
            microseconds(before)
        gone = [
            key
            for key, one in self._sightings.items()
            if (before is None or one.last_at < before)
            and tenant in (None, one.tenant)
            and client in (None, one.client)
        ]
        for key in gone:
            del self._sightings[key]
        return len(gone)

    async def keep_incident(self, incident: Incident) -> Incident:
        """Keep an incident, merged with the one of its id. Raises StorageError for a moment without a time zone."""
        self._check_open()
        return self._incidents.keep(incident)

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident in scope."""
        self._check_open()
        return self._incidents.one(scope, incident_id)

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """A page of incidents in scope, the last begun first. Raises StorageError."""
        self._check_open()
        return self._incidents.page(scope, wanted, limit, cursor)

    async def forget_incidents(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget those that ended before a moment, and a tenant's; how many went. Raises StorageError."""
        self._check_open()
        return self._incidents.forget(before, tenant)

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        """Add to the audit log. Raises StorageError for a moment without a time zone."""
        self._check_open()
        entry = chained(record, self._audit[-1] if self._audit else None)
        self._audit.append(entry)
        return entry

    async def audit(self, scope: Scope, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Entries in scope numbered below `before`, newest first. Raises StorageError."""
        self._check_open()
        check_limit(limit, "entries")
        seen = (
            entry
            for entry in reversed(self._audit)
            if (before is None or entry.number < before) and within(scope, entry.record.tenant)
        )
        return list(islice(seen, limit))

    async def close(self) -> None:
        """Forget everything."""
        self._open = False
        self._forget()

    def _check_open(self) -> None:
        if not self._open:
            raise StorageError("memory://: the repository is not open")


def _age(report: Report) -> tuple[datetime, str]:
    return report.created_at, report.id
