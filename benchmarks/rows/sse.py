"""Stream events a second, 16 streams at once, at one event a read and at fifty; stock streams by a script."""

from __future__ import annotations

from benchmarks.load import chat_request
from benchmarks.row import Row, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim

# (events a read, tokens a stream, streams a run, least ratio to stock)
_KINDS = ((1, 400, 48, 0.9), (50, 2000, 160, 0.5))


async def measure(session: Session) -> list[Row]:
    rows = []
    for events, tokens, streams, least in _KINDS:
        rows += await _measure(session, events, tokens, session.scaled(streams), least)
    return rows


async def _measure(session: Session, events: int, tokens: int, streams: int, least: float) -> list[Row]:
    request = chat_request(Sim(tokens=tokens, events_per_write=events))

    async def once(running: Running) -> Sample:
        load, cpu_ms = await running.load(request, concurrency=16, exchanges=streams)
        return {"per_second": load.per_second * tokens, "cpu_us": cpu_ms * 1000 / tokens}

    seen = await session.medians(session.hosts("stock-stream", "lean-stream", "suite"), once)
    stock = seen.pop("stock-stream")
    label = f"SSE, {events} event{'s' if events > 1 else ''} a read"
    rows = []
    for name, sample in seen.items():
        target = least if name == "suite" else None
        rows.append(compare(f"{label}, {name}", sample["per_second"], "events/s", stock["per_second"], least=target))
        rows.append(compare(f"{label}, CPU an event, {name}", sample["cpu_us"], "µs", stock["cpu_us"]))
    return rows
