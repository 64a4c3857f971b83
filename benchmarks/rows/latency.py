"""Median latency of one 10 KB chat at a time."""

from __future__ import annotations

import statistics

from benchmarks.load import chat_request
from benchmarks.row import Row, at_most, compare, no_more
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim


async def measure(session: Session) -> list[Row]:
    request = chat_request(Sim())
    exchanges = session.scaled(300)

    async def once(running: Running) -> Sample:
        load, _ = await running.load(request, concurrency=1, exchanges=exchanges)
        return {"ms": statistics.median(load.latency_ms)}

    seen = await session.medians(session.hosts("stock", "plain", "lean", "suite"), once)
    stock = seen["stock"]["ms"]
    rows = [compare(f"median latency, {name}", seen[name]["ms"], "ms", stock) for name in ("plain", "lean")]
    if "suite" in seen:
        rows.append(no_more("median latency, suite", seen["suite"]["ms"], "ms", stock, most=1.0))
        rows.append(at_most("median latency, suite over lean", seen["suite"]["ms"] - seen["lean"]["ms"], "ms", 0.7))
    return rows
