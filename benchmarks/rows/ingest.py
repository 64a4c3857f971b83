"""How many told calls a second are taken over REST while the pipeline stores behind it, and how many are stored.

Batches of 100 chats of 1 KB, whose texts are all new, from four senders at once into a running suite.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Sequence

import httpx

from benchmarks.row import Row
from benchmarks.session import Running, Sample, Session
from benchmarks.settling import settled
from midwatch.home import Home
from midwatch_core.testing.factories import prose

BATCH = 100
SENDERS = 4
TEXT_BYTES = 512
TARGET = 1_000.0
URL = "https://api.openai.com/v1/chat/completions"
_READY_S = 300.0


def call(seed: int) -> dict[str, object]:
    """A chat by its wire bodies, about 1 KB of text."""
    question, answer = prose(TEXT_BYTES, 2 * seed), prose(TEXT_BYTES, 2 * seed + 1)
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 120, "completion_tokens": 110, "total_tokens": 230}
    return {
        "url": URL,
        "request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": question}]},
        "response": {"id": f"c-{seed}", "model": "gpt-5-mini", "choices": [choice], "usage": usage},
    }


def batches(count: int, seed: int) -> list[bytes]:
    """Bodies of so many calls."""
    numbers = range(seed, seed + count)
    return [
        json.dumps({"calls": [call(number) for number in numbers[first : first + BATCH]]}).encode()
        for first in range(0, count, BATCH)
    ]


async def measure(session: Session) -> list[Row]:
    """Medians of the session's runs; the suite alone takes calls."""
    if not session.suite:
        return []
    count = max(BATCH * SENDERS, session.scaled(10_000))
    samples: list[Sample] = []
    async with session.started(["suite"]) as (running,):
        home = Home(running.host.home(session.bench))
        await _sample(running, home, batches(BATCH, seed=-BATCH))  # what is made at the first call is made now
        for run in range(session.runs):
            samples.append(await _sample(running, home, batches(count, seed=run * count)))
    taken, stored = (statistics.median(sample[name] for sample in samples) for name in ("taken", "stored"))
    return [
        Row(
            name="told calls taken over REST, 1 KB",
            value=taken,
            unit="exchanges/s",
            target=f"≥ {TARGET:,.0f}",
            ok=taken >= TARGET,
        ),
        Row(name="the same until all are stored", value=stored, unit="exchanges/s"),
    ]


async def _sample(running: Running, home: Home, bodies: Sequence[bytes]) -> Sample:
    count = len(bodies) * BATCH
    waiting = list(bodies)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.host.console_port}", timeout=60) as client:
        await _ready(client)
        began = time.perf_counter()
        await asyncio.gather(*(_send(client, waiting) for _ in range(SENDERS)))
        taken_s = time.perf_counter() - began
    await settled(home)
    return {"taken": count / taken_s, "stored": count / (time.perf_counter() - began)}


async def _ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(_READY_S):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def _send(client: httpx.AsyncClient, waiting: list[bytes]) -> None:
    while waiting:
        body = waiting.pop()
        answer = await client.post("/api/v1/ingest", content=body, headers={"Content-Type": "application/json"})
        answer.raise_for_status()
