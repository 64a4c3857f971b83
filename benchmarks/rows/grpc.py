"""How many told calls a second a gRPC stream brings into the journal while the pipeline stores behind it.

One stream of chats of 1 KB told plainly, whose texts are all new, into a running suite: some to a message, and one to
each. A message costs a turn of control's loop, and between two turns the pipeline makes one exchange ready.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.hosts import SuiteHost, free_port
from benchmarks.row import Row
from benchmarks.session import Sample, Session
from midwatch_core.testing.factories import prose
from tests.beside import GRPC, ROOT, beside, plugin_beside

TEXT_BYTES = 512
PACKED = 50
# One in so many calls of a run is sent as a message of its own.
SINGLE = 10
TARGET = 3_000.0
_READY_S = 60.0
_ENDS_S = 300.0


async def measure(session: Session) -> list[Row]:
    """The median of the session's runs; the suite alone takes calls."""
    if not session.suite:
        return []
    port = free_port()
    host = SuiteHost("suite, gRPC", settings=_settings(port))
    count = session.scaled(20_000)
    samples: list[Sample] = []
    async with session.started([host]):
        for run in range(session.runs):
            seeds = range(2 * run * count, 2 * (run + 1) * count)
            packed = [message(seeds[first : first + PACKED]) for first in range(0, count, PACKED)]
            single = [message(seeds[place : place + 1]) for place in range(count, count + count // SINGLE)]
            samples.append({"packed": await _per_second(port, packed), "single": await _per_second(port, single)})
    many, one = (statistics.median(sample[name] for sample in samples) for name in ("packed", "single"))
    name = f"told calls taken from one gRPC stream, 1 KB, {PACKED} a message"
    return [
        Row(name=name, value=many, unit="exchanges/s", target=f"≥ {TARGET:,.0f}", ok=many >= TARGET),
        Row(name="the same, one a message, the pipeline busy", value=one, unit="exchanges/s"),
    ]


def message(seeds: Iterable[int]) -> bytes:
    """A message of chats, about 1 KB of text each, as it is sent."""
    service = importlib.import_module("midwatch_grpc.proto.midwatch.v1.service_pb2")
    raw: bytes = service.StreamTracesRequest(calls=[_call(seed) for seed in seeds]).SerializeToString()
    return raw


def _call(seed: int) -> Any:
    calls = importlib.import_module("midwatch_grpc.proto.midwatch.v1.calls_pb2")
    question, answer = prose(TEXT_BYTES, 2 * seed), prose(TEXT_BYTES, 2 * seed + 1)
    plain = calls.PlainCall(
        provider="openai",
        model="gpt-5-mini",
        asked=[calls.PlainText(text=question)],
        answer=calls.Answer(texts=[calls.PlainText(text=answer)]),
        usage=calls.Usage(input_tokens=120, output_tokens=110),
    )
    return calls.Call(plain=plain)


def _settings(port: int) -> dict[str, str]:
    """What a suite needs that is to listen: the plugin, and its libraries where they are not here."""
    library, plugin = beside(*GRPC, module="grpc"), plugin_beside("grpc")
    if importlib.util.find_spec("midwatch_grpc") is None:
        sys.path.append(str(ROOT / "plugins" / "grpc"))
    path = os.pathsep.join(str(folder) for folder in (plugin, library) if folder is not None)
    return {"PYTHONPATH": path, "MIDWATCH_GRPC__LISTEN": f"127.0.0.1:{port}"}


async def _per_second(port: int, messages: Sequence[bytes]) -> float:
    """Calls a second, from the first message to the answer, when all are in the journal."""
    grpc: Any = importlib.import_module("grpc")
    service = importlib.import_module("midwatch_grpc.proto.midwatch.v1.service_pb2")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        async with asyncio.timeout(_READY_S):
            await channel.channel_ready()
        began = time.perf_counter()
        raw = await channel.stream_unary("/midwatch.v1.Midwatch/StreamTraces")(iter(messages), timeout=_ENDS_S)
        taken_s = time.perf_counter() - began
    return int(service.StreamTracesResponse.FromString(raw).taken) / taken_s
