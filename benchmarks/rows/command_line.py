"""How long a person waits for a listing: `traces --json`, as a whole process, with control alive and without."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time

from benchmarks.load import chat_request
from benchmarks.row import Row, at_most
from benchmarks.session import Session
from benchmarks.sim import Sim

CALLS = 64
LIMIT_S = 0.6


async def measure(session: Session) -> list[Row]:
    if not session.suite:
        return []
    async with session.started(["suite"]) as (running,):
        await running.load(chat_request(Sim()), concurrency=8, exchanges=CALLS)
        home = str(running.host.home(session.bench))
        alive = await _listing_s(session, home)
    alone = await _listing_s(session, home)
    return [
        at_most("traces --json, Midwatch running", alive, "s", LIMIT_S),
        at_most("traces --json, nothing running", alone, "s", LIMIT_S),
    ]


async def _listing_s(session: Session, home: str) -> float:
    """The median time; a listing that shows fewer calls than were made is an error."""
    seconds = []
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(session.runs + 1):
        begin = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "run.py", "traces", "--json", "--home", home),
            cwd=session.bench.root,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        seconds.append(time.perf_counter() - begin)
        if process.returncode != 0 or out.count(b"\n") < CALLS:
            lines = out.count(b"\n")
            raise RuntimeError(f"traces --json gave {lines} lines, exit code {process.returncode}")
    return statistics.median(seconds[1:])
