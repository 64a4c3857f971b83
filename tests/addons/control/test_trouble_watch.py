"""Troubles in control: logged, put on record and told once, while the store is away and a pager hangs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from midwatch.control.enforcement_log import EnforcementLog
from midwatch.control.troubles import METRICS, TROUBLES, TroubleWatch, condition_of
from midwatch.proxy.numbers import JOURNALING as WORKER_METRICS
from midwatch_core.breaker import SECURITY, STORE, BreakerState
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.alert import Alert
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.finding import Severity
from midwatch_core.pipeline import METRICS as PIPELINE_METRICS
from midwatch_core.pipeline import Pipeline
from midwatch_core.plugin_metrics import DISABLED, ON_TRIAL
from midwatch_core.plugin_metrics import METRICS as PLUGIN_METRICS
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.troubles import Condition
from midwatch_journal import JournalReader
from midwatch_memory import open_metadata
from midwatch_memory.traces import MemoryTraces
from tests.addons.control.conftest import until

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)


class Pager:
    def __init__(self) -> None:
        self.paged: list[Alert] = []

    @hookimpl
    async def notify(self, alert: Alert) -> None:
        self.paged.append(alert)


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
class House:
    metadata: MetadataRepository
    condition: Condition = field(default_factory=Condition)
    time: Time = field(default_factory=Time)
    pager: Pager = field(default_factory=Pager)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        plugins = Plugins()
        plugins.add("broken", Broken)
        plugins.add("pager", lambda: self.pager)
        plugins.activate({})
        for specs in (METRICS, PIPELINE_METRICS, PLUGIN_METRICS, WORKER_METRICS):
            self.metrics.declare(specs)
        self.log = EnforcementLog(self.metadata)
        self.watch = TroubleWatch(lambda: self.condition, plugins, self.metrics, record=self.log.note, clock=self.time)

    def look(self, condition: Condition) -> None:
        self.condition = condition
        self.watch.look()

    async def records(self, count: int) -> list[AuditRecord]:
        entries: list[AuditEntry] = []

        async with asyncio.timeout(10):
            while len(entries) < count:
                await asyncio.sleep(0.002)
                entries = list(await self.metadata.audit(Scope(), limit=100))
        return [entry.record for entry in reversed(entries)]

    def value(self, name: str, label: str) -> float:
        return next(item.values[0] for item in self.metrics.samples() if (item.name, item.labels) == (name, (label,)))


@asynccontextmanager
async def running(*jobs: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(job()) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def house() -> House:
    metadata = open_metadata("memory://")
    assert metadata is not None
    await metadata.start()
    return House(metadata)


async def test_a_trouble_is_logged_recorded_and_told_when_it_begins_and_when_it_is_over(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with running(house.watch.run, house.log.run):
        house.look(Condition(breakers={STORE: BreakerState.OPEN}))
        for _ in range(3):
            house.watch.look()
        house.time.passed_s = 40.0
        house.look(Condition(breakers={STORE: BreakerState.CLOSED}))
        records = await house.records(2)
        await until(lambda: len(house.pager.paged) == 2)
    began, over = house.pager.paged
    assert (began.at, began.severity, began.resolved, over.resolved) == (NOW, Severity.HIGH, False, True)
    assert began.fingerprint == over.fingerprint == "breaker:store"
    assert [(item.actor, item.action, item.subject) for item in records] == [
        ("midwatch", "trouble", "breaker:store"),
        ("midwatch", "resolved", "breaker:store"),
    ]
    assert records[0].details == {"category": "breaker", "title": began.title, "part": "store"}
    assert caplog.text.count("trouble: the store breaker is open") == 1
    assert caplog.text.count("over: the store breaker is open") == 1


async def test_health_and_metrics_show_what_is_not_over(house: House) -> None:
    house.look(Condition(breakers={STORE: BreakerState.OPEN, SECURITY: BreakerState.HALF_OPEN}))
    (shown,) = house.watch.health()
    assert shown == {
        "category": "breaker",
        "severity": "high",
        "title": "the store breaker is open: nothing is stored, the journal keeps",
        "since": NOW.isoformat(),
    }
    assert house.value(TROUBLES, "breaker") == 1
    assert [house.value("midwatch_breaker", part) for part in (STORE, SECURITY)] == [2, 1]
    house.look(Condition())
    assert (house.watch.health(), house.watch.current, house.value(TROUBLES, "breaker")) == ([], (), 0)


async def test_a_store_that_is_away_gets_its_record_later_and_the_pager_is_told_at_once(house: House) -> None:
    await house.metadata.close()
    async with running(house.watch.run, house.log.run):
        house.look(Condition(breakers={STORE: BreakerState.OPEN}))
        await until(lambda: house.pager.paged)
        await house.metadata.start()
        assert [record.action for record in await house.records(1)] == ["trouble"]


async def test_an_alert_from_elsewhere_is_told_once_until_it_is_over(house: House) -> None:
    spent = Alert(
        at=NOW, category="budget", severity=Severity.HIGH, title="acme spent its day", fingerprint="b", tenant="acme"
    )
    async with running(house.watch.run, house.log.run):
        house.watch.raise_alert(replace(spent, resolved=True))
        for _ in range(3):
            house.watch.raise_alert(spent)
        house.look(Condition())  # what we look at ourselves says nothing of it
        assert house.watch.current == (spent,)
        assert house.watch.health() == []  # a tenant's affairs are not everybody's
        house.watch.raise_alert(replace(spent, resolved=True))
        house.watch.raise_alert(spent)
        records = await house.records(3)
        await until(lambda: len(house.pager.paged) == 3)
    assert [alert.resolved for alert in house.pager.paged] == [False, True, False]
    assert {record.tenant for record in records} == {"acme"}


async def test_alerts_that_are_never_over_are_bounded(house: House) -> None:
    for number in range(1100):
        house.watch.raise_alert(
            Alert(at=NOW, category="budget", severity=Severity.LOW, title="spent", fingerprint=str(number))
        )
    assert len(house.watch.current) == 1000
    assert house.watch.current[0].fingerprint == "100"
    assert house.value(TROUBLES, "budget") == 1000


async def test_the_condition_is_read_from_all_processes_metrics(house: House, tmp_path: Path) -> None:
    metrics = house.metrics
    metrics.set(DISABLED, 2, ("slow",))
    metrics.set(DISABLED, 0, ("well",))
    metrics.set(ON_TRIAL, 1, ("tried",))
    metrics.set("midwatch_journal_dropped_total", 7)
    with JournalReader(tmp_path / "journal") as reader:
        pipeline = Pipeline(reader, MemoryTraces(), Plugins(), metrics, stored=lambda _: None)
        condition = condition_of(
            metrics.samples(), pipeline, journal_bytes=5, journal_max_bytes=9, said={"slow": "TimeoutError", "x": "y"}
        )
    assert condition == Condition(
        breakers={STORE: BreakerState.CLOSED, SECURITY: BreakerState.OPEN},
        journal_bytes=5,
        journal_max_bytes=9,
        dropped=7,
        disabled={"slow": "TimeoutError"},
        on_trial=frozenset({"tried"}),
    )
