"""Time to the first token of a stream, one at a time; stock is mitmdump with a script that sets `stream = True`."""

from __future__ import annotations

import statistics

from benchmarks.load import chat_request
from benchmarks.row import Row, at_most, compare, no_more
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim


async def measure(session: Session) -> list[Row]:
    request = chat_request(Sim(tokens=10, gap_ms=2))
    exchanges = session.scaled(60)

    async def once(running: Running) -> Sample:
        load, _ = await running.load(request, concurrency=1, exchanges=exchanges)
        return {"ms": statistics.median(load.ttft_ms)}

    seen = await session.medians(session.hosts("stock-stream", "lean-stream", "suite"), once)
    stock, lean = seen["stock-stream"]["ms"], seen["lean-stream"]["ms"]
    rows = [compare("TTFT, lean stream=True", lean, "ms", stock)]
    if "suite" in seen:
        rows.append(no_more("TTFT, suite", seen["suite"]["ms"], "ms", stock, most=1.0))
        rows.append(at_most("TTFT, suite over lean stream=True", seen["suite"]["ms"] - lean, "ms", 0.5))
    return rows
