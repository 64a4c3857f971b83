"""AWS event-stream frames a second, 16 streams at once: the suite against stock mitmproxy with `stream = True`."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.frames import CONVERSE_PATH
from benchmarks.load import json_request
from benchmarks.row import Row, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim
from benchmarks.upstream import BEDROCK

# (frames a read, frames a stream, streams a run, least ratio to stock): many a read cost stock next to nothing each.
_KINDS = ((1, 400, 48, 0.9), (20, 2000, 160, 0.9))
_BODY = b'{"messages":[{"role":"user","content":[{"text":"%s"}]}]}' % (b"Keep a good watch. " * 100)


async def measure(session: Session) -> list[Row]:
    rows = []
    for frames, tokens, streams, least in _KINDS:
        rows += await _measure(session, frames, tokens, session.scaled(streams), least)
    return rows


async def _measure(session: Session, frames: int, tokens: int, streams: int, least: float) -> list[Row]:
    sim = Sim(tokens=tokens, events_per_write=frames, aws=1)
    request = json_request(BEDROCK, CONVERSE_PATH, sim, _BODY)

    async def once(running: Running) -> Sample:
        there = replace(running, target=replace(running.target, sni=BEDROCK))
        load, cpu_ms = await there.load(request, concurrency=16, exchanges=streams)
        return {"per_second": load.per_second * tokens, "cpu_us": cpu_ms * 1000 / tokens}

    seen = await session.medians(session.hosts("stock-stream", "lean-stream", "suite"), once)
    stock = seen.pop("stock-stream")
    label = f"AWS event stream, {frames} frame{'s' if frames > 1 else ''} a read"
    rows = []
    for name, sample in seen.items():
        target = least if name == "suite" else None
        rows.append(compare(f"{label}, {name}", sample["per_second"], "frames/s", stock["per_second"], least=target))
        rows.append(compare(f"{label}, CPU a frame, {name}", sample["cpu_us"], "µs", stock["cpu_us"]))
    return rows
