"""Retention: each tenant to its own term, the others to the installation's."""

import asyncio
import logging
from datetime import timedelta

import pytest

from midwatch.control.retention import Terms, forget_old, keep_to
from midwatch_core.clock import SystemClock
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange
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
    traces: MemoryTraces, days: float | None, terms: Terms, expected: dict[str, int]
) -> None:
    await forget_old(days, terms, traces, CLOCK)
    assert await left(traces) == expected


async def test_retention_asks_for_the_terms_as_they_are(traces: MemoryTraces, caplog: pytest.LogCaptureFixture) -> None:
    asked = asyncio.Event()

    def terms() -> Terms:
        asked.set()
        return {"b": 1}

    with caplog.at_level(logging.INFO):
        keeping = asyncio.create_task(keep_to(5, terms, traces, CLOCK))
        async with asyncio.timeout(10):
            await asked.wait()
            while await left(traces) != {"a": 2, "b": 1, "c": 2}:
                await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert "2 exchanges of tenant b older than 1 days" in caplog.text


async def test_a_store_that_fails_is_logged(traces: MemoryTraces, caplog: pytest.LogCaptureFixture) -> None:
    await traces.close()
    await forget_old(5, {}, traces, CLOCK)
    assert "retention: memory://: the repository is not open" in caplog.text
