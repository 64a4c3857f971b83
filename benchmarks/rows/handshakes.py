"""New connections: CONNECT, a TLS handshake on either side, one small call, the end; to one name, and to many."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

from benchmarks import procstat
from benchmarks.load import Client, Target, chat_body, client_context, json_request
from benchmarks.names import many_names
from benchmarks.row import Row, compare
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim

_AT_ONCE = 8
_NAMES = 300
"""More than the 100 certificates that stock keeps."""
_PATH = "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"


async def measure(session: Session) -> list[Row]:
    connections = session.scaled(600)
    names = many_names(_NAMES)
    kinds: dict[str, Callable[[int], str]] = {
        "one name": lambda _: names[0],
        f"{_NAMES} names": lambda number: names[number % _NAMES],
    }
    rows: list[Row] = []
    for kind, name_of in kinds.items():

        async def once(running: Running, name_of: Callable[[int], str] = name_of) -> Sample:
            # Each name once before: what is measured is a proxy that has been running for a while.
            await _open(running, name_of, _NAMES)
            cpu_s = procstat.cpu_s(running.host.pids())
            elapsed_s = await _open(running, name_of, connections)
            cpu_ms = (procstat.cpu_s(running.host.pids()) - cpu_s) * 1000 / connections
            return {"per_second": connections / elapsed_s, "cpu_ms": cpu_ms}

        seen = await session.medians(session.hosts("stock", "lean", "suite"), once)
        stock = seen.pop("stock")
        for host, sample in seen.items():
            least = 1.2 if host == "suite" else None
            label = f"new connections, {kind}, {host}"
            rows.append(compare(label, sample["per_second"], "a second", stock["per_second"], least=least))
            rows.append(compare(f"CPU a new connection, {kind}, {host}", sample["cpu_ms"], "ms", stock["cpu_ms"]))
    return rows


async def _open(running: Running, name_of: Callable[[int], str], count: int) -> float:
    """Open so many connections, eight at a time, with a call on each; the seconds it took."""
    context = client_context(running.target.ca_file)
    left = iter(range(count))
    body = chat_body(200)

    async def worker() -> None:
        for number in left:
            await _one(replace(running.target, sni=name_of(number)), context, body)

    begin = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    return time.perf_counter() - begin


async def _one(target: Target, context: ssl.SSLContext, body: bytes) -> None:
    client = Client()
    try:
        await client.connect(target, context)
        await client.fetch(json_request(target.sni, _PATH, Sim(), body))
    finally:
        client.close()
