"""Memory under 1,000 concurrent event streams of 2,000 tokens each, slow enough that all are open together."""

from __future__ import annotations

import statistics

from benchmarks import procstat
from benchmarks.load import chat_request
from benchmarks.row import Row, compare, no_more
from benchmarks.session import Session
from benchmarks.sim import Sim

STREAMS = 1_000
RUNS = 1
"""A run takes half a minute a host and its figure hardly varies."""


async def measure(session: Session) -> list[Row]:
    streams = session.scaled(STREAMS)
    peaks: dict[str, list[float]] = {}
    for _ in range(RUNS):
        for name in session.hosts("stock-stream", "lean-stream", "suite"):
            peaks.setdefault(name, []).append(await _peak_mb(session, name, streams))
    seen = {name: statistics.median(values) for name, values in peaks.items()}
    stock = seen.pop("stock-stream")
    label = f"RSS with {streams:,} streams"
    rows = [compare(f"{label}, lean-stream", seen["lean-stream"], "MB", stock)]
    if "suite" in seen:
        rows.append(no_more(f"{label}, suite", seen["suite"], "MB", stock, most=1.15))
    return rows


async def _peak_mb(session: Session, name: str, streams: int) -> float:
    # 100 reads of 20 tokens, 200 ms apart: every stream is open for at least 20 s.
    request = chat_request(Sim(tokens=2000, events_per_write=20, gap_ms=200))
    async with session.started([name]) as (running,):
        await running.load(request, concurrency=streams, exchanges=streams, warm_up=0)
        return procstat.peak_rss_mb(running.host.pids())
