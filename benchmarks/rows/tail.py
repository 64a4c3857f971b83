"""How long after a call's end at its client the live tail tells it: through the proxy, the journal and the pipeline.

A steady load of calls whose texts are all new, and one reader of `/api/v1/live`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time

import httpx

from benchmarks.load import chat_body, chat_request
from benchmarks.row import Row, at_most
from benchmarks.session import Running, Session
from benchmarks.sim import Sim
from benchmarks.steady import steady

PER_SECOND = 50
SECONDS = 10.0
MOST_S = 1.0
_COMES_S = 60.0


class Tail:
    """When each call ended and when it was told, by its number; the trace of a call names the number."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._ended: dict[int, float] = {}
        self._told: dict[int, float] = {}
        self._came = asyncio.Event()

    def request(self, number: int) -> bytes:
        """A chat of a text that was never seen, with a traceparent."""
        body = chat_body(2_000, salt=f"{self._run} {number} ")
        trace = f"traceparent: 00-{self._run + 1:016x}{number + 1:016x}-{1:016x}-01\r\ncontent-length"
        return chat_request(Sim(), body=body).replace(b"content-length", trace.encode(), 1)

    def ended(self, number: int) -> None:
        """The answer is there."""
        self._ended[number] = time.perf_counter()

    def told(self, event: str) -> None:
        """An event's data has come."""
        trace = str(json.loads(event)["trace_id"])
        if trace.startswith(f"{self._run + 1:016x}"):
            self._told[int(trace[16:], 16) - 1] = time.perf_counter()
            self._came.set()

    async def whole(self) -> None:
        """Wait until all that ended was told."""
        while not self._ended.keys() <= self._told.keys():
            self._came.clear()
            await self._came.wait()

    def seconds(self) -> list[float]:
        """How far each was behind; a call may be told before its last byte is with its client."""
        return [max(0.0, self._told[number] - at) for number, at in self._ended.items()]


async def measure(session: Session) -> list[Row]:
    """The 50th and 95th percentile over the session's runs."""
    if not session.suite:
        return []
    seconds = max(SECONDS * session.scale, 2.0)
    behind: list[float] = []
    async with session.started(["suite"]) as (running,):
        await running.load(chat_request(Sim()), concurrency=1, exchanges=1)
        for run in range(session.runs):
            behind += await _sample(running, Tail(run), seconds)
    cuts = statistics.quantiles(behind, n=20)
    name = f"live tail behind a call's end, {PER_SECOND}/s"
    return [Row(name=f"{name}, p50", value=cuts[9], unit="s"), at_most(f"{name}, p95", cuts[18], "s", MOST_S)]


async def _sample(running: Running, tail: Tail, seconds: float) -> list[float]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.host.console_port}", timeout=_COMES_S) as client:
        connected = asyncio.Event()
        reading = asyncio.create_task(_read(client, tail, connected))
        try:
            async with asyncio.timeout(_COMES_S):
                await connected.wait()
            await steady(running.target, tail.request, per_second=PER_SECOND, seconds=seconds, ended=tail.ended)
            async with asyncio.timeout(_COMES_S):
                await tail.whole()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    return tail.seconds()


async def _read(client: httpx.AsyncClient, tail: Tail, connected: asyncio.Event) -> None:
    async with client.stream("GET", "/api/v1/live") as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            connected.set()
            if line.startswith("data: {"):
                tail.told(line.removeprefix("data: "))
