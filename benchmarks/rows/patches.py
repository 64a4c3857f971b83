"""What each patch of the lean host is worth: all up to and including it, against the same host on stock code."""

from __future__ import annotations

from benchmarks.hosts import LeanHost, ProcessHost
from benchmarks.load import chat_request
from benchmarks.row import Row, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim
from midwatch.lean import ALL_PATCHES


async def measure(session: Session) -> list[Row]:
    chat, stream = chat_request(Sim()), chat_request(Sim(tokens=200))

    async def once(running: Running) -> Sample:
        load, cpu_ms = await running.load(chat, concurrency=16, exchanges=session.scaled(600))
        _, stream_ms = await running.load(stream, concurrency=16, exchanges=session.scaled(32))
        return {"per_second": load.per_second, "cpu_ms": cpu_ms, "stream_us": stream_ms * 1000 / 200}

    seen = await session.medians(_hosts(), once)
    stock = seen["no patch"]
    rows = []
    for name, sample in seen.items():
        rows.append(compare(f"{name}: throughput", sample["per_second"], "exchanges/s", stock["per_second"]))
        rows.append(compare(f"{name}: CPU", sample["cpu_ms"], "ms", stock["cpu_ms"]))
        rows.append(compare(f"{name}: CPU an SSE event", sample["stream_us"], "µs", stock["stream_us"]))
    return rows


def _hosts() -> list[str | ProcessHost]:
    names = [patch.name for patch in ALL_PATCHES]
    steps = [LeanHost("no patch", patches="", stream="callable")]
    for count, name in enumerate(names, start=1):
        steps.append(LeanHost(f"+ {name}", patches=",".join(names[:count]), stream="callable"))
    return list(steps)
