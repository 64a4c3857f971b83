"""What guarding costs a call: detection under `observe`, and redacting and restoring under `balanced`."""

from __future__ import annotations

import statistics

from benchmarks.load import chat_body, chat_request
from benchmarks.row import Row, at_most, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim

_HOSTS = ("stock", "suite, no detectors", "suite", "suite, balanced")
_STREAMING = ("suite, no detectors", "suite", "suite, balanced")
_MAIL = "Write to maria.keller@night-clinic.org about watch %d. "


async def measure(session: Session) -> list[Row]:
    """Every request has a text that was never seen before: nothing comes from the memo."""
    if not session.suite:
        return []
    return [*await _whole(session), *await _streamed(session)]


async def _whole(session: Session) -> list[Row]:
    def request(number: int) -> bytes:
        return chat_request(Sim(), body=chat_body(2_000, salt=f"Night {number}. "))

    async def once(running: Running) -> Sample:
        many, _ = await running.load(request, concurrency=16, exchanges=session.scaled(800))
        one, _ = await running.load(request, concurrency=1, exchanges=session.scaled(300))
        return {"per_second": many.per_second, "ms": statistics.median(one.latency_ms)}

    seen = await session.medians(_HOSTS, once)
    stock, blind = seen["stock"], seen["suite, no detectors"]
    rows = []
    for name in ("suite", "suite, balanced"):
        least = 1.0 if name == "suite" else None
        many = seen[name]["per_second"]
        rows.append(compare(f"throughput, new texts, {name}", many, "exchanges/s", stock["per_second"], least=least))
    for name, limit in (("suite", 1.0), ("suite, balanced", 3.0)):
        rows.append(at_most(f"median latency added by detection, {name}", seen[name]["ms"] - blind["ms"], "ms", limit))
    return rows


async def _streamed(session: Session) -> list[Row]:
    def request(number: int) -> bytes:
        body = chat_body(2_000, stream=True, salt=_MAIL % number)
        return chat_request(Sim(tokens=20, gap_ms=2), body=body)

    async def once(running: Running) -> Sample:
        load, _ = await running.load(request, concurrency=1, exchanges=session.scaled(100))
        return {"ms": statistics.median(load.ttft_ms)}

    seen = await session.medians(_STREAMING, once)
    blind = seen["suite, no detectors"]["ms"]
    return [
        at_most("TTFT added, observe", seen["suite"]["ms"] - blind, "ms", 2.0),
        at_most("TTFT added, redacting and restoring", seen["suite, balanced"]["ms"] - blind, "ms", 15.0),
    ]
