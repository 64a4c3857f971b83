"""The anchor of the audit log: the last entry this home appended, kept beside the store, so that a cut end shows."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import orjson

from midwatch.home import Home, write_private
from midwatch_core.access.audit_verifying import Anchor
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.document import PolicyVersion, Report
from midwatch_core.model.incident import Incident
from midwatch_core.model.sighting import Sighting
from midwatch_core.model.tenant import Tenant
from midwatch_core.model.triage import Triage
from midwatch_core.ports import MetadataRepository, Migrations, Scope

logger = logging.getLogger(__name__)


class AnchorFile:
    """The file of the anchor."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Anchor | None:
        """What was anchored last; None where nothing was. Raises ConfigError for a file that is damaged."""
        try:
            document = orjson.loads(self._path.read_bytes())
            return Anchor(number=int(document["number"]), digest=str(document["digest"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{self._path}: not an anchor of the audit log: {error}") from error

    def write(self, anchor: Anchor) -> None:
        """Replace it. Raises OSError."""
        write_private(self._path, orjson.dumps({"number": anchor.number, "digest": anchor.digest}))


def anchored(metadata: MetadataRepository, home: Home, url: str) -> MetadataRepository:
    """The repository that was opened by `url`, with its audit log anchored in the home.

    What is kept in memory begins anew at each start, and is not anchored.
    """
    return metadata if url.startswith("memory://") else AnchoredMetadata(metadata, AnchorFile(home.audit_anchor))


class AnchoredMetadata:
    """A MetadataRepository that anchors what is appended to its audit log; all else it passes on.

    The anchor only moves on while the log goes on from it. Where it does not, the log was cut or replaced behind our
    back: the anchor stays, so that `audit verify` says so until a person has looked.
    """

    def __init__(self, metadata: MetadataRepository, file: AnchorFile) -> None:
        self._metadata = metadata
        self._file = file
        self._last: Anchor | None = None
        self._read = False
        self._complained = False
        self._turn = asyncio.Lock()

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        """Add to the audit log, and anchor the entry. Where only that fails it is logged: the log has the entry."""
        async with self._turn:
            entry = await self._metadata.append_audit(record)
            try:
                await self._move_on(entry)
            except (ConfigError, StorageError, OSError) as error:
                self._complain(f"the audit log could not be anchored: {error}")
            return entry

    async def _move_on(self, entry: AuditEntry) -> None:
        if not self._read:
            self._last, self._read = self._file.read(), True
        if self._last is not None and not await self._goes_on(self._last, entry):
            self._complain(
                f"the audit log does not go on from its entry {self._last.number}: run midwatch audit verify"
            )
            return
        anchor = Anchor(number=entry.number, digest=entry.digest)
        self._file.write(anchor)
        self._last, self._complained = anchor, False

    async def _goes_on(self, last: Anchor, entry: AuditEntry) -> bool:
        """Whether the log has, before this entry, the one that is anchored; other nodes may have appended between."""
        if entry.number <= last.number + 1:
            return entry.number == last.number + 1 and entry.previous == last.digest
        found = await self._metadata.audit(Scope(), limit=1, before=last.number + 1)
        return bool(found) and (found[0].number, found[0].digest) == (last.number, last.digest)

    def _complain(self, message: str) -> None:
        if not self._complained:
            logger.error(message)
        self._complained = True

    @property
    def migrations(self) -> Migrations | None:
        """The repository's migrations."""
        return self._metadata.migrations

    async def start(self, *, migrate: bool = True) -> None:
        """Open."""
        await self._metadata.start(migrate=migrate)

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        return await self._metadata.setting(key)

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        await self._metadata.keep_setting(key, value)

    async def tenants(self) -> Sequence[Tenant]:
        """All tenants, by name."""
        return await self._metadata.tenants()

    async def keep_tenant(self, tenant: Tenant) -> None:
        """Keep a tenant."""
        await self._metadata.keep_tenant(tenant)

    async def delete_tenant(self, name: str) -> bool:
        """Forget a tenant; whether it was there."""
        return await self._metadata.delete_tenant(name)

    async def keys(self) -> Sequence[ApiKey]:
        """All keys, oldest first."""
        return await self._metadata.keys()

    async def keep_key(self, key: ApiKey) -> None:
        """Keep a key."""
        await self._metadata.keep_key(key)

    async def policy_versions(self, name: str, *, limit: int) -> Sequence[PolicyVersion]:
        """The versions of a policy, newest first."""
        return await self._metadata.policy_versions(name, limit=limit)

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        """Keep a further version of a policy."""
        return await self._metadata.keep_policy(name, text, author=author, at=at)

    async def keep_report(self, report: Report) -> None:
        """Keep a report."""
        await self._metadata.keep_report(report)

    async def report(self, scope: Scope, report_id: str) -> Report | None:
        """One report."""
        return await self._metadata.report(scope, report_id)

    async def reports(self, scope: Scope, *, limit: int) -> Sequence[Report]:
        """The newest reports in scope."""
        return await self._metadata.reports(scope, limit=limit)

    async def keep_triage(self, triage: Triage) -> None:
        """Keep a judgement."""
        await self._metadata.keep_triage(triage)

    async def triage(self, scope: Scope, finding_ids: Sequence[str]) -> Sequence[Triage]:
        """The judgements in scope on these findings."""
        return await self._metadata.triage(scope, finding_ids)

    async def forget_triage(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget judgements."""
        return await self._metadata.forget_triage(before=before, tenant=tenant)

    async def sight(self, sightings: Sequence[Sighting]) -> None:
        """Add to the inventory."""
        await self._metadata.sight(sightings)

    async def sightings(self, scope: Scope, *, since: datetime | None = None, limit: int) -> Sequence[Sighting]:
        """Sightings in scope, newest last moment first."""
        return await self._metadata.sightings(scope, since=since, limit=limit)

    async def forget_sightings(
        self, *, before: datetime | None = None, tenant: str | None = None, client: str | None = None
    ) -> int:
        """Forget sightings."""
        return await self._metadata.forget_sightings(before=before, tenant=tenant, client=client)

    async def keep_incident(self, incident: Incident) -> Incident:
        """Keep an incident; how it stands now."""
        return await self._metadata.keep_incident(incident)

    async def incident(self, scope: Scope, incident_id: str) -> Incident | None:
        """One incident."""
        return await self._metadata.incident(scope, incident_id)

    async def incidents(
        self, scope: Scope, wanted: IncidentFilter, *, limit: int, cursor: str | None = None
    ) -> IncidentPage:
        """A page of incidents in scope, the last begun first."""
        return await self._metadata.incidents(scope, wanted, limit=limit, cursor=cursor)

    async def forget_incidents(self, *, before: datetime | None = None, tenant: str | None = None) -> int:
        """Forget incidents."""
        return await self._metadata.forget_incidents(before=before, tenant=tenant)

    async def audit(self, scope: Scope, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """Entries in scope, newest first."""
        return await self._metadata.audit(scope, limit=limit, before=before)

    async def close(self) -> None:
        """Let go of everything."""
        await self._metadata.close()
