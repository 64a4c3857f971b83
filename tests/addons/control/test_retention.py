"""Retention: each tenant to its own term, the others to the installation's."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from midwatch.control.retention import Retention, Terms
from midwatch_core.clock import SystemClock
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange
from midwatch_core.testing.incidents_contract import listed, make_incident
from midwatch_core.testing.triage_contract import judged, make_triage
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces

CLOCK = SystemClock()


@pytest.fixture
async def traces() -> MemoryTraces:
    """Exchanges of three tenants, now, two and ten days old."""
    traces = MemoryTraces()
    await traces.start()
    ages = (timedelta(0), timedelta(days=2), timedelta(days=10))
    await traces.put([make_exchange(tenant=name, started_at=CLOCK.now() - age) for name in "abc" for age in ages])
    return traces


@pytest.fixture
async def metadata() -> MemoryMetadata:
    """Judgements in three tenants and one that has no exchanges any more, of now, two, ten and a hundred days ago."""
    metadata = MemoryMetadata()
    await metadata.start()
    for name in "abcz":
        for age in (0, 2, 10, 100):
            at = CLOCK.now() - timedelta(days=age)
            await metadata.keep_triage(make_triage(f"{name}{age}", tenant=name, at=at))
    return metadata


def retention(
    days: float | None,
    terms: Callable[[], Terms],
    traces: MemoryTraces,
    metadata: MemoryMetadata,
    incident_days: float | None = None,
) -> Retention:
    return Retention(days=days, incident_days=incident_days, terms=terms, traces=traces, metadata=metadata, clock=CLOCK)


async def left(traces: MemoryTraces) -> dict[str | None, int]:
    rows = await traces.costs(Scope(), ExchangeFilter(), by=["tenant"])
    return {row.group[0]: row.calls for row in rows}


@pytest.mark.parametrize(
    ("days", "terms", "expected"),
    [
        (None, {}, {"a": 3, "b": 3, "c": 3}),
        (5, {}, {"a": 2, "b": 2, "c": 2}),
        (5, {"a": 1, "b": 30}, {"a": 1, "b": 3, "c": 2}),
        (5, {"a": None}, {"a": 3, "b": 2, "c": 2}),
        (None, {"a": 0.5, "nobody": 1}, {"a": 1, "b": 3, "c": 3}),
    ],
)
async def test_a_tenant_may_keep_shorter_or_longer(
    traces: MemoryTraces, metadata: MemoryMetadata, days: float | None, terms: Terms, expected: dict[str, int]
) -> None:
    await retention(days, lambda: terms, traces, metadata).forget_old()
    assert await left(traces) == expected


@pytest.mark.parametrize(
    ("days", "terms", "expected"),
    [
        (None, {}, "a0 a2 a10 a100 b0 b2 b10 b100 c0 c2 c10 c100 z0 z2 z10 z100"),
        (5, {}, "a0 a2 b0 b2 c0 c2 z0 z2"),
        (5, {"a": 1, "b": 30}, "a0 b0 b2 b10 c0 c2 z0 z2 z10"),
        (5, {"a": None}, "a0 a2 a10 a100 b0 b2 c0 c2 z0 z2 z10 z100"),
        (None, {"z": 1}, "a0 a2 a10 a100 b0 b2 b10 b100 c0 c2 c10 c100 z0"),
    ],
)
async def test_judgements_go_with_what_they_are_about(
    traces: MemoryTraces, metadata: MemoryMetadata, days: float | None, terms: Terms, expected: str
) -> None:
    await retention(days, lambda: terms, traces, metadata).forget_old()
    everything = [f"{name}{age}" for name in "abcz" for age in (0, 2, 10, 100)]
    assert set(await judged(metadata, Scope(), *everything)) == set(expected.split())


@pytest.mark.parametrize(("days", "expected"), [(None, "new 2 10 100"), (5, "new 2"), (0.5, "new")])
async def test_incidents_go_so_long_after_their_end(
    traces: MemoryTraces, metadata: MemoryMetadata, days: float | None, expected: str
) -> None:
    ages = {"new": 0, "2": 2, "10": 10, "100": 100}
    for incident_id, age in ages.items():
        ended = CLOCK.now() - timedelta(days=age)
        await metadata.keep_incident(make_incident(incident_id, resolved_at=ended))
    await metadata.keep_incident(make_incident("open", began_at=CLOCK.now() - timedelta(days=100)))
    await retention(1, dict, traces, metadata, incident_days=days).forget_old()
    assert set(await listed(metadata)) == {"open", *expected.split()}


async def test_retention_asks_for_the_terms_as_they_are(
    traces: MemoryTraces, metadata: MemoryMetadata, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    def terms() -> Terms:
        asked.set()
        return {"b": 1}

    with caplog.at_level(logging.INFO):
        keeping = asyncio.create_task(retention(5, terms, traces, metadata).run())
        async with asyncio.timeout(60):
            await asked.wait()
            while await left(traces) != {"a": 2, "b": 1, "c": 2}:
                await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert "2 exchanges of tenant b older than 1 days" in caplog.text


async def test_a_store_that_fails_is_logged(
    traces: MemoryTraces, metadata: MemoryMetadata, caplog: pytest.LogCaptureFixture
) -> None:
    await traces.close()
    await retention(5, dict, traces, metadata).forget_old()
    assert "retention: memory://: the repository is not open" in caplog.text


async def test_metadata_that_fail_keep_no_exchange(
    traces: MemoryTraces, metadata: MemoryMetadata, caplog: pytest.LogCaptureFixture
) -> None:
    await metadata.close()
    await retention(5, dict, traces, metadata, incident_days=5).forget_old()
    assert await left(traces) == {"a": 2, "b": 2, "c": 2}
    assert "retention of incidents: memory://" in caplog.text
    assert "retention of tenant a: memory://: the repository is not open" in caplog.text
    assert "retention of judgements on findings: memory://" in caplog.text
