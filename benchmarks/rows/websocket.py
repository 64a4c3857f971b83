"""Messages of WebSockets a second, 16 sockets at once: the suite against stock mitmproxy, which relays them unread."""

from __future__ import annotations

from benchmarks.frames import ask
from benchmarks.row import Row, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim
from benchmarks.socket_load import SocketClient

# (messages a write of the provider, messages a response, responses a run)
_KINDS = ((1, 200, 32), (20, 400, 32))
_LEAST = 0.9


async def measure(session: Session) -> list[Row]:
    rows = []
    for messages, tokens, responses in _KINDS:
        rows += await _measure(session, messages, tokens, session.scaled(responses))
    return rows


async def _measure(session: Session, messages: int, tokens: int, responses: int) -> list[Row]:
    sim = Sim(tokens=tokens, events_per_write=messages)

    async def once(running: Running) -> Sample:
        load, cpu_ms = await running.load(
            ask(), concurrency=16, exchanges=responses, warm_up=1, make=lambda: SocketClient(sim)
        )
        return {"per_second": load.per_second * tokens, "cpu_us": cpu_ms * 1000 / tokens}

    seen = await session.medians(session.hosts("stock", "lean", "suite"), once)
    stock = seen.pop("stock")
    label = f"WebSocket, {messages} message{'s' if messages > 1 else ''} a write"
    rows = []
    for name, sample in seen.items():
        target = _LEAST if name == "suite" else None
        rows.append(compare(f"{label}, {name}", sample["per_second"], "messages/s", stock["per_second"], least=target))
        rows.append(compare(f"{label}, CPU a message, {name}", sample["cpu_us"], "µs", stock["cpu_us"]))
    return rows
