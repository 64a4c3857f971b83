"""What the faces cost the proxy: its p99 and throughput while it is looked at and exported, against nobody looking.

Looked at as `benchmarks.lookers` does; exchanges go to a collector of OpenTelemetry and events to a file for a SIEM.
The other suite has none of it. The texts of all calls are new.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import sys
from collections.abc import AsyncIterator, Callable

from benchmarks.hosts import SuiteHost
from benchmarks.load import chat_body, chat_request
from benchmarks.row import Row, no_more
from benchmarks.session import ROOT, Running, Sample, Session
from benchmarks.settling import settled
from benchmarks.sim import Sim
from benchmarks.steady import steady
from midwatch.home import Home

PER_SECOND = 100
SECONDS = 15.0

type Chats = Callable[[int], bytes]


async def measure(session: Session) -> list[Row]:
    """Medians of the ratios of pairs of runs."""
    if not session.suite:
        return []
    async with _collector() as port:
        looked_at = SuiteHost("suite, looked at", settings=_exporting(port))
        alone = SuiteHost("suite, alone", settings={})
        pairs: list[tuple[Sample, Sample]] = []
        async with session.started([alone, looked_at]) as (before, after):
            chats = _chats()
            for running in (before, after):  # the first call after a start waits for imports
                await running.load(chats, concurrency=1, exchanges=1)
            for _ in range(session.runs):
                plain = await _sample(before, session, chats)
                async with _beside("benchmarks.lookers", str(looked_at.console_port)):
                    pairs.append((plain, await _sample(after, session, chats)))
    return [
        _row("p99 latency, looked at and exported", pairs, "p99_ms", "ms"),
        _row("p50 latency, looked at and exported", pairs, "p50_ms", "ms"),
        _row("time a call at full load, looked at and exported", pairs, "call_ms", "ms"),
    ]


def _row(name: str, pairs: list[tuple[Sample, Sample]], figure: str, unit: str) -> Row:
    """Of the pair in the middle: its ratio is the median one."""
    plain, faced = sorted(pairs, key=lambda pair: pair[1][figure] / pair[0][figure])[len(pairs) // 2]
    return no_more(name, faced[figure], unit, plain[figure], most=1.05)


def _exporting(port: int) -> dict[str, str]:
    return {
        "MIDWATCH_OTEL__EXPORT__ENDPOINT": f"http://127.0.0.1:{port}",
        "MIDWATCH_COMPLIANCE__SIEM": "[{kind: file, path: events.jsonl}]",
    }


def _chats() -> Chats:
    """Requests whose texts were never seen, however often a number is asked for."""
    fresh = itertools.count()
    return lambda _: chat_request(Sim(), body=chat_body(salt=f"{next(fresh)} "))


async def _sample(running: Running, session: Session, chats: Chats) -> Sample:
    home = Home(running.host.home(session.bench))
    seconds = max(SECONDS * session.scale, 2.0)
    latency_ms = await steady(running.target, chats, per_second=PER_SECOND, seconds=seconds)
    await settled(home)
    load, _ = await running.load(chats, concurrency=16, exchanges=session.scaled(800))
    await settled(home)
    cuts = statistics.quantiles(latency_ms, n=100)
    return {"call_ms": 1000 / load.per_second, "p50_ms": cuts[49], "p99_ms": cuts[98]}


@contextlib.asynccontextmanager
async def _collector() -> AsyncIterator[int]:
    """The port of a collector."""
    async with _beside("benchmarks.collector") as process:
        assert process.stdout
        yield int(await process.stdout.readline())


@contextlib.asynccontextmanager
async def _beside(module: str, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that works until its standard input ends. Raises RuntimeError where it failed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        status = await process.wait()
    if status:
        raise RuntimeError(f"{module} ended with {status}")
