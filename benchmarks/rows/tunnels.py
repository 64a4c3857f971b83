"""Memory of 1,000 tunnels that are open and say nothing: TLS on either side, one call each, then quiet."""

from __future__ import annotations

import asyncio

from benchmarks import procstat
from benchmarks.load import Client, chat_request, client_context
from benchmarks.row import Row, compare, no_more
from benchmarks.session import Running, Session
from benchmarks.sim import Sim

_TUNNELS = 1_000
_AT_ONCE = 16
_SETTLE_S = 2.0


async def measure(session: Session) -> list[Row]:
    tunnels = session.scaled(_TUNNELS)
    seen: dict[str, float] = {}
    for name in session.hosts("stock", "lean", "suite"):
        async with session.started([name]) as (running,):
            seen[name] = await _rss_mb(running, tunnels)
    stock = seen.pop("stock")
    rows = [compare(f"RSS with {tunnels:,} idle tunnels, lean", seen["lean"], "MB", stock)]
    if "suite" in seen:
        rows.append(no_more(f"RSS with {tunnels:,} idle tunnels, suite", seen["suite"], "MB", stock, most=1.3))
    return rows


async def _rss_mb(running: Running, tunnels: int) -> float:
    context, request = client_context(running.target.ca_file), chat_request(Sim())
    clients = [Client() for _ in range(tunnels)]

    async def open_one(client: Client) -> None:
        await client.connect(running.target, context)
        await client.fetch(request)

    try:
        for start in range(0, tunnels, _AT_ONCE):
            await asyncio.gather(*(open_one(client) for client in clients[start : start + _AT_ONCE]))
        await asyncio.sleep(_SETTLE_S)
        return procstat.rss_mb(running.host.pids())
    finally:
        for client in clients:
            client.close()
