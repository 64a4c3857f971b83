"""Event-loop lag of the worker while control stores 200 exchanges a second, against the same load with control held.

Control is held by SIGSTOP: the worker goes on journalling, and reports its lag once control goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal

from benchmarks import procstat
from benchmarks.exposed import samples
from benchmarks.load import chat_request
from benchmarks.row import Row, no_more
from benchmarks.session import Running, Session
from benchmarks.sim import Sim
from benchmarks.steady import steady

PER_SECOND = 200
SECONDS = 15.0
REPORTED_S = 2.5
"""After this the last heartbeat has come."""

type Buckets = dict[float, float]


async def measure(session: Session) -> list[Row]:
    if not session.suite:
        return []
    seconds = max(SECONDS * session.scale, 3.0)
    with_pipeline, without = [], []
    async with session.started(["suite"]) as (running,):
        await running.load(chat_request(Sim()), concurrency=1, exchanges=1)
        await asyncio.sleep(REPORTED_S)
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
    await asyncio.sleep(REPORTED_S)
    before = await lags(running)
    if held is not None:
        os.kill(held, signal.SIGSTOP)
    try:
        await steady(running.target, chat_request(Sim()), per_second=PER_SECOND, seconds=seconds)
    finally:
        if held is not None:
            os.kill(held, signal.SIGCONT)
    await asyncio.sleep(REPORTED_S)
    return quantile(since(before, await lags(running)), 0.99) * 1000


async def lags(running: Running) -> Buckets:
    """How many lags were seen up to now that were no longer than so many seconds."""
    found = await samples(running.host.console_port, "midwatch_loop_lag_seconds_bucket")
    return {float(labels["le"]): value for labels, value in found}


def since(before: Buckets, after: Buckets) -> Buckets:
    """Those that came between."""
    return {bound: after[bound] - before.get(bound, 0.0) for bound in after}


def quantile(cumulative: Buckets, share: float) -> float:
    """The bound that this share of them does not go beyond."""
    bounds = sorted(cumulative)
    wanted = cumulative[bounds[-1]] * share
    return next(bound for bound in bounds if cumulative[bound] >= wanted)
