"""The metadata repository over SQL, whichever store runs its statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from midwatch_core import (
    ApiKey,
    AuditEntry,
    AuditRecord,
    Incident,
    IncidentFilter,
    IncidentPage,
    Migrations,
    PolicyVersion,
    Report,
    Scope,
    Sighting,
    Tenant,
    Triage,
)
from midwatch_sql import (
    metadata_audit,
    metadata_documents,
    metadata_incidents,
    metadata_registers,
    metadata_sightings,
    metadata_triage,
)
from midwatch_sql.dialogue import Dialogue


class Store(Protocol):
    """A database with the metadata's tables. Every method may raise StorageError, nothing else."""

    @property
    def migrations(self) -> Migrations:
        """The schema's migrations."""
        ...

    async def start(self, *, migrate: bool) -> None:
        """Open; a schema that is not current is migrated, or with `migrate` False a SchemaError."""
        ...

    async def read[Result](self, dialogue: Dialogue[Result]) -> Result:
        """Run a dialogue that changes nothing."""
        ...

    async def write[Result](self, dialogue: Dialogue[Result]) -> Result:
        """Run a dialogue whole or not at all, while no other process or task writes."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class SqlMetadata:
    """A MetadataRepository over a Store. Every method may raise StorageError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def migrations(self) -> Migrations:
        """The schema's migrations."""
        return self._store.migrations

    async def start(self, *, migrate: bool = True) -> None:
        """Open, and migrate unless told not to."""
        await self._store.start(migrate=migrate)

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        return await self._store.read(metadata_registers.setting(key))

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        await self._store.write(metadata_registers.keep_setting(key, value))

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants, by name."""
        return await self._store.read(metadata_registers.tenants())

    async def keep_tenant(self, tenant: Tenant) -> None:
        """Keep a tenant, replacing the one of its name."""
        await self._store.write(metadata_registers.keep_tenant(tenant))

    async def delete_tenant(self, name: str) -> bool:
        """Forget a tenant; whether it was there."""
        return await self._store.write(metadata_registers.delete_tenant(name))

    async def keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        return await self._store.read(metadata_registers.keys())

    async def keep_key(self, key: ApiKey) -> None:
        """Keep a key, replacing the one of its id."""
        await self._store.write(metadata_registers.keep_key(key))

    async def policy_versions(self, name: str, *, limit: int) -> Sequence[PolicyVersion]:
        """The versions of a policy, newest first."""
        return await self._store.read(metadata_documents.policy_versions(name, limit))

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        """Keep a further version of a policy; its number is the next."""
        return await self._store.write(metadata_documents.keep_policy(name, text, author, at))

    async def keep_report(self, report: Report) -> None:
        """Keep a report, replacing the one of its id."""
        await self._store.write(metadata_documents.keep_report(report))

    async def report(self, scope: Scope, report_id: str) -> Report | None:
        """One report in scope."""
        return await self._store.read(metadata_documents.report(scope, report_id))

    async def reports(self, scope: Scope, *, limit: int) -> Sequence[Report]:
        """The newest reports in scope, newest first, with empty bodies."""
        return await self._store.read(metadata_documents.reports(scope, limit))

    async def keep_triage(self, triage: Triage) -> None:
        """Keep a judgement, replacing the one on the same finding."""
        await self._store.write(metadata_triage.keep_triage(triage))

    async def triage(self, scope: Scope, finding_ids: Sequence[str]) -> Sequence[Triage]:
        """The judgements in scope on these findings."""
        return await self._store.read(metadata_triage.triage(scope, finding_ids))

    async def forget_triage(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget judgements of which all that is given holds; how many went."""
        return await self._store.write(metadata_triage.forget_triage(before, tenant))

    async def sight(self, sightings: Sequence[Sighting]) -> None:
        """Add sightings to those that are alike."""
        if sightings:
            await self._store.write(metadata_sightings.sight(sightings))

    async def sightings(self, scope: Scope, *, since: datetime | None = None, limit: int) -> Sequence[Sighting]:
        """Sightings in scope whose last moment is not before `since`, newest last moment first."""
        return await self._store.read(metadata_sightings.sightings(scope, since, limit))

    async def forget_sightings(
        self, *, before: datetime | None = None, tenant: str | None = None, client: str | None = None
    ) -> int:
        """Forget sightings of which all that is given holds; how many went."""
        return await self._store.write(metadata_sightings.forget_sightings(before, tenant, client))

    async def keep_incident(self, incident: Incident) -> Incident:
        """Keep an incident, merged with the one of its id; how it stands now."""
        return await self._store.write(metadata_incidents.keep_incident(incident))

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident in scope."""
        return await self._store.read(metadata_incidents.incident(scope, incident_id))

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """A page of incidents in scope, the last begun first."""
        return await self._store.read(metadata_incidents.incidents(scope, wanted, limit, cursor))

    async def forget_incidents(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget those that ended before a moment, and a tenant's; how many went."""
        return await self._store.write(metadata_incidents.forget_incidents(before, tenant))

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        """Add to the audit log, chained to the entry before."""
        return await self._store.write(metadata_audit.append_audit(record))

    async def audit(self, scope: Scope, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Entries in scope numbered below `before`, newest first."""
        return await self._store.read(metadata_audit.audit(scope, limit, before))

    async def close(self) -> None:
        """Let go of everything."""
        await self._store.close()
