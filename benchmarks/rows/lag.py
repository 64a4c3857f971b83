"""Event-loop lag of the worker while control stores 200 exchanges a second, against the same load with control held.

Control is held by SIGSTOP: the worker goes on journalling, and reports its lag once control goes on.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import urllib.request

from benchmarks import procstat
from benchmarks.load import chat_request
from benchmarks.row import Row, no_more
from benchmarks.session import Running, Session
from benchmarks.sim import Sim
from benchmarks.steady import steady

PER_SECOND = 200
SECONDS = 15.0
_BUCKET = re.compile(r'^midwatch_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
_REPORTED_S = 2.5
"""After this the last heartbeat has come."""

type Buckets = dict[float, float]


async def measure(session: Session) -> list[Row]:
    if not session.suite:
        return []
    seconds = max(SECONDS * session.scale, 3.0)
    with_pipeline, without = [], []
    async with session.started(["suite"]) as (running,):
        await running.load(chat_request(Sim()), concurrency=1, exchanges=1)
        await asyncio.sleep(_REPORTED_S)
        control = next(pid for pid in running.host.family() if "control" in procstat.command_line(pid))
        for _ in range(session.runs):
            with_pipeline.append(await _p99_ms(running, seconds))
            without.append(await _p99_ms(running, seconds, held=control))
    middle = session.runs // 2
    return [
        no_more(
            f"event-loop lag p99 at {PER_SECOND}/s, pipeline at work",
            sorted(with_pipeline)[middle],
            "ms",
            sorted(without)[middle],
            most=1.4,
        )
    ]


async def _p99_ms(running: Running, seconds: float, *, held: int | None = None) -> float:
    await asyncio.sleep(_REPORTED_S)
    before = await _buckets(running)
    if held is not None:
        os.kill(held, signal.SIGSTOP)
    try:
        await steady(running.target, chat_request(Sim()), per_second=PER_SECOND, seconds=seconds)
    finally:
        if held is not None:
            os.kill(held, signal.SIGCONT)
    await asyncio.sleep(_REPORTED_S)
    after = await _buckets(running)
    return _quantile({bound: after[bound] - before.get(bound, 0.0) for bound in after}, 0.99) * 1000


async def _buckets(running: Running) -> Buckets:
    text = await asyncio.to_thread(_metrics, running.host.console_port)
    return {float(bound): float(value) for bound, value in _BUCKET.findall(text)}


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def _quantile(cumulative: Buckets, share: float) -> float:
    bounds = sorted(cumulative)
    wanted = cumulative[bounds[-1]] * share
    return next(bound for bound in bounds if cumulative[bound] >= wanted)
