"""Pages of the console over SQLite with a million exchanges, asked of a running suite, one after the other.

What is timed is from the request to the last byte of the answer, over a kept connection on loopback: the server's time
and about a millisecond of the asking. Each page was asked once before, as the first visitor of a start does.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import httpx

from benchmarks import procstat
from benchmarks.kept import DAYS, FIRST
from benchmarks.old_home import OldHome, OldHost, furnish
from benchmarks.row import Row, at_most
from benchmarks.session import Session
from benchmarks.settling import settled
from midwatch.home import Home
from midwatch_core.cursor import encode_cursor

MOST_MS = 150.0
# Of each page, in each run.
_TIMES = 20
_READY_S = 300.0


def pages(home: OldHome) -> Iterator[tuple[str, str]]:
    """The pages, and how each is asked for where it is slowest: all that is kept, rare filters, old cursors."""
    old = encode_cursor(FIRST + timedelta(days=DAYS / 2), "")
    yield from {
        "overview": "/",
        "overview, 30 days": "/?period=30d",
        "overview, a tenant's 30 days": "/?period=30d&tenant=tenant-3",
        "overview, all time": "/?period=all",
        "calls": "/calls",
        "calls, all time, a rare filter": "/calls?period=all&app=mail&agent=planner&model=gpt-5",
        "calls, server errors": "/calls?period=all&outcome=5xx",
        "calls, from an old cursor": f"/calls?period=all&cursor={old}",
        "calls, a search": "/calls?period=all&text=Lisbon",
        "sums of the list": "/totals?period=all",
        "conversations": "/conversations",
        "conversations, all time, an app": "/conversations?period=all&app=mail",
        "conversations, from an old cursor": f"/conversations?period=all&cursor={old}",
        "a talk of 300 turns, first page": f"/traces/{home.talk}",
        "a talk of 300 turns, last page": f"/traces/{home.talk}?page=1000",
        "a trace of 5,000 calls, last page": f"/traces/{home.tasks}?page=1000",
        "a first call": f"/exchanges/{home.first}",
        "a call of 300 turns": f"/exchanges/{home.last}",
        "what a call of 300 turns added": f"/exchanges/{home.last}/diff",
        "a call of 300 turns, raw": f"/api/v1/exchanges/{home.last}/raw/request",
        "findings": "/findings",
        "findings, all time, a rule": "/findings?period=all&rule=pack-1/rule-5",
        "findings, false positives": "/findings?period=all&state=false_positive",
        "a finding": f"/findings/{home.finding}",
        "costs": "/costs",
        "costs, 30 days, by day and tenant": "/costs?period=30d&by=day,tenant",
        "hosts": "/hosts",
        "audit": "/audit",
        "system": "/system",
        "rules": "/rules",
        "plugins": "/plugins",
        "policies": "/policies",
        "reports": "/reports",
        "access": "/access",
        "metrics": "/metrics",
        "API: 1,000 calls": "/api/v1/exchanges?limit=1000",
        "API: costs by model": "/api/v1/costs",
        "API: costs by day and tenant": "/api/v1/costs?by=day,tenant",
    }.items()


async def measure(session: Session) -> list[Row]:
    """The 95th percentile of each page, and the 50th over all."""
    if not session.suite:
        return []
    host = OldHost("suite, an old home")
    home = await furnish(session, host)
    seen: dict[str, list[float]] = {}
    processor_ms: dict[str, float] = {}
    async with session.started([host]):
        base = f"http://127.0.0.1:{host.console_port}"
        async with httpx.AsyncClient(base_url=base, timeout=60, follow_redirects=True) as client:
            await _ready(client)
            await settled(Home(host.home(session.bench)))  # after a start what was kept before is read first
            control = [pid for pid in host.family() if "control" in procstat.command_line(pid)]
            for name, path in pages(home):
                await _timed(client, path)
                before_s = procstat.cpu_s(control)
                seen[name] = [await _timed(client, path) for _ in range(_TIMES * session.runs)]
                processor_ms[name] = (procstat.cpu_s(control) - before_s) * 1000 / len(seen[name])
    return [*_of_all(seen, processor_ms), *(_row(name, figures) for name, figures in seen.items())]


def _of_all(seen: Mapping[str, Sequence[float]], processor_ms: Mapping[str, float]) -> Iterator[Row]:
    """The middle page, and what the dearest one takes of a processor, which other work on the machine changes less."""
    middle = statistics.median(itertools.chain.from_iterable(seen.values()))
    yield Row(name="console, a million exchanges: any page, p50", value=middle, unit="ms")
    dearest = max(processor_ms, key=processor_ms.__getitem__)
    name = f"console, a million exchanges: processor time of the dearest page ({dearest})"
    yield Row(name=name, value=processor_ms[dearest], unit="ms")


def _row(name: str, figures: list[float]) -> Row:
    p95 = statistics.quantiles(figures, n=20)[18]
    return at_most(f"console, a million exchanges: {name}, p95", p95, "ms", MOST_MS)


async def _timed(client: httpx.AsyncClient, path: str) -> float:
    """Milliseconds of a page."""
    began = time.perf_counter()
    answer = await client.get(path)
    took_ms = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    return took_ms


async def _ready(client: httpx.AsyncClient) -> None:
    """Wait until the console answers."""
    async with asyncio.timeout(_READY_S):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
