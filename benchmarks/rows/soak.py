"""Half an hour at full load: memory and descriptors must not grow after the warm-up, and no call may be lost."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks import procstat
from benchmarks.load import chat_body, json_request, run_load
from benchmarks.row import Row, at_most, compare
from benchmarks.session import Running, Session
from benchmarks.sim import Sim

_SECONDS = 1800.0
_AT_ONCE = 16
_ROUND = 2_000
_LOOK_S = 5.0
# Of the time: before it caches fill; after it nothing may grow.
_WARM_UP = 0.25
_MOST_GROWTH = 1.05
_STORED_WITHIN_S = 120.0


async def measure(session: Session) -> list[Row]:
    """Every fourth call streams, and every text is new: what is kept by text or by call would grow."""
    if not session.suite:
        return []
    async with session.started(["suite"]) as (running,):
        looked: dict[str, list[float]] = {}
        looking = asyncio.create_task(_look(running, looked))
        called, elapsed_s = await _load(running, _SECONDS * session.scale)
        looking.cancel()
        missing = called - await _stored(running, called)
    return [
        compare(f"soak of {elapsed_s / 60:.0f} minutes: calls", called, "calls"),
        compare("soak: calls a second", called / elapsed_s, "calls/s"),
        at_most("soak: calls that were answered and are not in the store", missing, "calls", 0),
        *(_growth(figure, values) for figure, values in sorted(looked.items())),
    ]


async def _load(running: Running, seconds: float) -> tuple[int, float]:
    begin, called = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        load = await run_load(running.target, _requests(called), concurrency=_AT_ONCE, exchanges=_ROUND, warm_up=0)
        called += load.exchanges
        print(f"soak: {called:,} calls in {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    return called, time.perf_counter() - begin


def _requests(base: int) -> Callable[[int], bytes]:
    def request(number: int) -> bytes:
        salt = f"Call {base + number}. "
        stream = number % 4 == 0
        sim = Sim(tokens=50, events_per_write=5) if stream else Sim()
        return json_request("api.openai.com", "/v1/chat/completions", sim, chat_body(2_000, stream=stream, salt=salt))

    return request


async def _look(running: Running, looked: dict[str, list[float]]) -> None:
    """Take down memory and descriptors of worker and control, until cancelled."""
    while True:
        for pid in running.host.family():
            kind = next((word for word in ("worker", "control") if word in procstat.command_line(pid)), None)
            if kind is not None:
                looked.setdefault(f"RSS of {kind}, MB", []).append(procstat.rss_mb([pid]))
                looked.setdefault(f"descriptors of {kind}", []).append(_descriptors(pid))
        await asyncio.sleep(_LOOK_S)


def _descriptors(pid: int) -> float:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _growth(figure: str, values: list[float]) -> Row:
    """The last quarter of the time beside the one after the warm-up."""
    after = values[int(len(values) * _WARM_UP) :]
    quarter = max(len(after) // 3, 1)
    first, last = statistics.median(after[:quarter]), statistics.median(after[-quarter:])
    name = f"soak: {figure}, last quarter to second: {first:.0f} to {last:.0f}"
    return at_most(name, last / first, "×", _MOST_GROWTH)


async def _stored(running: Running, called: int) -> int:
    """How many calls the store has, once it has all or two minutes have passed."""
    console = f"http://127.0.0.1:{running.host.console_port}"
    async with httpx.AsyncClient(base_url=console, trust_env=False, timeout=60) as web:
        deadline = time.perf_counter() + _STORED_WITHIN_S
        while True:
            rows = (await web.get("/api/v1/costs", params={"by": "provider"})).json()["costs"]
            stored = sum(int(row["calls"]) for row in rows)
            if stored >= called or time.perf_counter() > deadline:
                return stored
            await asyncio.sleep(1)
