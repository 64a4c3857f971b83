"""What a proxy costs before its first call: time until it listens, and memory."""

from __future__ import annotations

import asyncio
import time

from benchmarks import procstat
from benchmarks.load import chat_request
from benchmarks.row import Row, at_most, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim

SETTLE_S = 1.0


async def measure(session: Session) -> list[Row]:
    samples: dict[str, list[Sample]] = {}
    names = session.hosts("stock", "lean", "suite")
    for _ in range(session.runs):
        for name in names:
            async with session.started([name]) as (running,):
                samples.setdefault(name, []).append(await _sample(running))
    best = {
        name: {figure: sorted(s[figure] for s in each)[len(each) // 2] for figure in each[0]}
        for name, each in samples.items()
    }
    stock = best.pop("stock")
    rows = []
    for name, sample in best.items():
        if name == "suite":
            rows.append(at_most(f"listening after start, {name}", sample["started_s"], "s", 2.0))
            rows.append(at_most(f"idle RSS of the worker, {name}", sample["mb"], "MB", 130.0))
        else:
            rows.append(compare(f"listening after start, {name}", sample["started_s"], "s", stock["started_s"]))
            rows.append(compare(f"idle RSS, {name}", sample["mb"], "MB", stock["mb"]))
        rows.append(compare(f"first call answered, {name}", sample["first_call_s"], "s", stock["first_call_s"]))
    return rows


async def _sample(running: Running) -> Sample:
    """The suite's supervisor listens before its worker is there: one call makes sure that all have arrived."""
    begin = time.perf_counter()
    await running.load(chat_request(Sim()), concurrency=1, exchanges=1, warm_up=0)
    first_call_s = running.host.started_s + time.perf_counter() - begin
    await asyncio.sleep(SETTLE_S)
    mb = procstat.rss_mb(running.host.pids())
    return {"started_s": running.host.started_s, "first_call_s": first_call_s, "mb": mb}
