"""A room of incidents at work: its own clock, a store that can be away, and plugins that are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from midwatch.control.enforcement_log import EnforcementLog
from midwatch.control.incidents import METRICS, TROUBLES, Desk, IncidentNotes, IncidentRoom, Links
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.metrics import Metrics
from midwatch_core.model.alert import Alert
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentChange
from midwatch_core.pipeline import METRICS as PIPELINE_METRICS
from midwatch_core.plugin_metrics import METRICS as PLUGIN_METRICS
from midwatch_core.ports import Scope
from midwatch_memory.metadata import MemoryMetadata
from tests.addons.control.conftest import until

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
KEY = b"the key of an installation that only tests"


def alert(
    fingerprint: str = "spike",
    *,
    at: datetime = NOW,
    category: str = "anomaly",
    severity: Severity = Severity.HIGH,
    tenant: str | None = "acme",
    count: int = 1,
    lasts_s: float | None = None,
    resolved: bool = False,
) -> Alert:
    return Alert(
        at=at,
        category=category,
        severity=severity,
        title=f"{fingerprint} is not as usual",
        fingerprint=fingerprint,
        tenant=tenant,
        details={"value": "7"},
        count=count,
        expires_at=None if lasts_s is None else at + timedelta(seconds=lasts_s),
        resolved=resolved,
    )


class Pager:
    def __init__(self) -> None:
        self.paged: list[tuple[Alert, Incident, IncidentChange]] = []

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(incident.fingerprint, change.value) for _, incident, change in self.paged]

    @hookimpl
    async def notify(self, alert: Alert, incident: Incident, change: IncidentChange) -> None:
        self.paged.append((alert, incident, change))


class Broken:
    @hookimpl
    def notify(self, alert: Alert) -> None:
        raise ConnectionError("no route to the pager")


@dataclass
class Time:
    passed_s: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s


@dataclass
class IncidentHouse:
    """`again()` is the same home and store after a restart."""

    notes: Path
    metadata: MemoryMetadata = field(default_factory=MemoryMetadata)
    time: Time = field(default_factory=Time)
    pager: Pager = field(default_factory=Pager)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        plugins = Plugins()
        plugins.add("broken", Broken)
        plugins.add("pager", lambda: self.pager)
        plugins.activate({})
        for specs in (METRICS, PIPELINE_METRICS, PLUGIN_METRICS):
            self.metrics.declare(specs)
        self.log = EnforcementLog(self.metadata)
        self.room = IncidentRoom(
            self.metadata,
            plugins,
            self.metrics,
            record=self.log.note,
            clock=self.time,
            notes=IncidentNotes(self.notes),
        )
        self.desk = Desk(self.metadata, self.time, Links(KEY, self.time), self.room)

    def again(self) -> "IncidentHouse":
        return IncidentHouse(self.notes, self.metadata, self.time)

    def alone(self) -> Desk:
        """The desk of a face alone over the same store."""
        return Desk(self.metadata, self.time, Links(KEY, self.time), None)

    async def kept(self) -> list[Incident]:
        page = await self.metadata.incidents(Scope(), IncidentFilter(), limit=2000)
        return list(page.incidents)

    async def until_kept(self, *fingerprints: str) -> list[Incident]:
        async with asyncio.timeout(60):
            while {item.fingerprint for item in await self.kept()} < set(fingerprints):
                await asyncio.sleep(0.002)
        return await self.kept()

    async def until_told(self, count: int) -> list[tuple[str, str]]:
        await until(lambda: len(self.pager.paged) >= count)
        return self.pager.told

    async def records(self, count: int) -> list[AuditRecord]:
        """So many of the audit log, the oldest first."""
        async with asyncio.timeout(60):
            while len(entries := await self.metadata.audit(Scope(), limit=100)) < count:
                await asyncio.sleep(0.002)
        return [entry.record for entry in reversed(entries)]

    def gauge(self, category: str) -> float:
        wanted = (TROUBLES, (category,))
        return next(item.values[0] for item in self.metrics.samples() if (item.name, item.labels) == wanted)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(job()) for job in (self.room.run, self.log.run)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
