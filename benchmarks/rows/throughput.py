"""Exchanges a second and CPU an exchange: HTTPS over CONNECT with keep-alive, 10 KB chats, 16 at once."""

from __future__ import annotations

from benchmarks.load import chat_request
from benchmarks.row import Row, at_most, compare, no_more
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim


async def measure(session: Session) -> list[Row]:
    request = chat_request(Sim())
    exchanges = session.scaled(800)

    async def once(running: Running) -> Sample:
        load, cpu_ms = await running.load(request, concurrency=16, exchanges=exchanges)
        return {"per_second": load.per_second, "cpu_ms": cpu_ms}

    seen = await session.medians(session.hosts("stock", "plain", "lean", "suite"), once)
    stock = seen.pop("stock")
    rows = []
    for name, sample in seen.items():
        least = 1.3 if name == "suite" else None
        rows.append(
            compare(f"throughput, {name}", sample["per_second"], "exchanges/s", stock["per_second"], least=least)
        )
    for name, sample in seen.items():
        cpu = f"CPU an exchange, {name}", sample["cpu_ms"], "ms", stock["cpu_ms"]
        rows.append(no_more(*cpu, most=1.0) if name == "suite" else compare(*cpu))
    if "suite" in seen:
        rows.append(at_most("CPU an exchange, our addons", seen["suite"]["cpu_ms"] - seen["lean"]["cpu_ms"], "ms", 0.6))
    return rows
