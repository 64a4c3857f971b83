"""The port of metadata: what the house asks of a store of everything that is not traffic."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.document import PolicyVersion, Report
from midwatch_core.model.incident import Incident
from midwatch_core.model.sighting import Sighting
from midwatch_core.model.tenant import Tenant
from midwatch_core.model.triage import Triage
from midwatch_core.ports.migrations import Migrations
from midwatch_core.ports.scope import Scope


class MetadataRepository(Protocol):
    """Keeps what is not traffic. Raises as TraceRepository does."""

    @property
    def migrations(self) -> Migrations | None:
        """As TraceRepository's."""
        ...

    async def start(self, *, migrate: bool = True) -> None:
        """As TraceRepository's."""
        ...

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        ...

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`, replacing what was there."""
        ...

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants, by name."""
        ...

    async def keep_tenant(self, tenant: Tenant) -> None:
        """Keep a tenant, replacing the one of its name. `configured` ones are not kept: StorageError."""
        ...

    async def delete_tenant(self, name: str) -> bool:
        """Forget a tenant; whether it was there. Its keys are the caller's to revoke."""
        ...

    async def keys(self) -> Sequence[ApiKey]:
        """All keys, also revoked and expired ones, oldest first."""
        ...

    async def keep_key(self, key: ApiKey) -> None:
        """Keep a key, replacing the one of its id."""
        ...

    async def policy_versions(self, name: str, *, limit: int) -> Sequence[PolicyVersion]:
        """The versions of a policy, newest first."""
        ...

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        """Keep a further version of a policy; its number is the next. Two at once get two numbers."""
        ...

    async def keep_report(self, report: Report) -> None:
        """Keep a report, replacing the one of its id."""
        ...

    async def report(self, scope: Scope, report_id: str) -> Report | None:
        """One report; the installation's own (no tenant) only in a scope of all."""
        ...

    async def reports(self, scope: Scope, *, limit: int) -> Sequence[Report]:
        """The newest reports in scope, newest first, with empty bodies."""
        ...

    async def keep_triage(self, triage: Triage) -> None:
        """Keep a judgement, replacing the one on the same finding."""
        ...

    async def triage(self, scope: Scope, finding_ids: Sequence[str]) -> Sequence[Triage]:
        """The judgements in scope on these findings; those nobody judged are left out. At most MOST_JUDGED ids."""
        ...

    async def forget_triage(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget judgements made before a moment, and a tenant's; how many went. None asks nothing."""
        ...

    async def sight(self, sightings: Sequence[Sighting]) -> None:
        """Add to the inventory: counts of sightings that are alike add up, first and last moments widen.

        Alike are those with the same host, tenant, seen, client, app, user_agent, process and container; `provider`
        and `known` are the newest's.
        """
        ...

    async def sightings(self, scope: Scope, *, since: datetime | None = None, limit: int) -> Sequence[Sighting]:
        """Sightings in scope whose last moment is not before `since`, newest last moment first."""
        ...

    async def forget_sightings(
        self, *, before: datetime | None = None, tenant: str | None = None, client: str | None = None
    ) -> int:
        """Forget those whose last moment is earlier than `before`, of this tenant and client; how many went.

        All conditions hold at once; None asks nothing, and without any all are forgotten.
        """
        ...

    async def keep_incident(self, incident: Incident) -> Incident:
        """Keep an incident, replacing the one of its id; how it stands now.

        What one process knows, another may not yet: the two are merged (`merge_incidents`), whoever comes first.
        `acknowledged_at`, `acknowledged_by` and `resolved_at`, once kept, stay as they are; `severity`, `count` and
        `last_at` never fall.
        """
        ...

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident; the installation's own (no tenant) only in a scope of all."""
        ...

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """A page of incidents in scope, the last begun first. A cursor that is none of ours raises StorageError."""
        ...

    async def forget_incidents(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget incidents that ended before a moment, and of a tenant's all, open ones too; how many went.

        Both conditions hold at once where both are given, of incidents that ended; None asks nothing, and without any
        nothing is forgotten.
        """
        ...

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        """Add to the audit log, chained to the entry before (`audit_chain.chained`); two at once take turns."""
        ...

    async def audit(self, scope: Scope, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Entries in scope numbered below `before`, newest first. Those of no tenant: only in a scope of all."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
