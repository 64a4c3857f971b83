"""What reading costs without a proxy: a long conversation's request, each event of a stream, and undoing encodings.

CPU time of this thread; the requests and the events are those of simulated providers.
"""

from __future__ import annotations

import gzip
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import brotli
import orjson
import zstandard

from benchmarks.decode_texts import STREAMS, TURNS, Stream
from benchmarks.row import Row, at_most
from benchmarks.session import Session
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.decompression import decompressor_for
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target

REQUEST_MS, EVENT_US, UNDO_MS = 8.0, 15.0, 400.0
_TARGET = Target(host="provider.test", path="/", captures={"model": "m"})
_DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
_EVENTS = 2_000
_MB = 1024 * 1024


async def measure(session: Session) -> list[Row]:
    """The median of several readings; each stream's events come one a read, as a model writes them."""
    return [*_requests(session.runs), *_events(session.runs), *_encodings(session.runs)]


def _requests(runs: int) -> list[Row]:
    rows = []
    for dialect, document in TURNS.items():
        body = orjson.dumps(document)
        took = _median_s(runs, partial(decode_request, _DIALECTS[dialect], body, _TARGET))
        rows.append(
            at_most(f"request of 200 turns, {len(body) / _MB:.1f} MB, {dialect}", took * 1000, "ms", REQUEST_MS)
        )
    return rows


def _events(runs: int) -> list[Row]:
    rows = []
    for stream in STREAMS:
        events = stream.events(_EVENTS)
        took = _median_s(runs, partial(_read, stream, events))
        rows.append(at_most(f"an event, {stream.dialect}", took * 1_000_000 / len(events), "µs", EVENT_US))
    return rows


def _read(stream: Stream, events: list[bytes]) -> None:
    decoder = ResponseDecoder(
        _DIALECTS[stream.dialect],
        status=200,
        content_type=stream.content_type,
        content_encoding="",
        asked_to_stream=True,
    )
    for event in events:
        decoder.feed(event)
    assert decoder.finish().response.decode_error is None


def _encodings(runs: int) -> list[Row]:
    """Bodies that do not compress, in one piece, and members that hold nothing: what would show a cost by square."""
    body = os.urandom(8 * _MB)
    packed = {
        "gzip": ("gzip", gzip.compress(body, compresslevel=1)),
        "br": ("br", brotli.compress(body, quality=1)),
        "zstd": ("zstd", zstandard.compress(body)),
        "gzip in 20,000 empty members": ("gzip", gzip.compress(b"") * 20_000),
    }
    return [
        at_most(f"undoing {len(data) / _MB:.1f} MB of {name}", _undone_s(runs, encoding, data) * 1000, "ms", UNDO_MS)
        for name, (encoding, data) in packed.items()
    ]


def _undone_s(runs: int, encoding: str, data: bytes) -> float:
    def undo() -> None:
        decompressor = decompressor_for(encoding)
        assert decompressor is not None
        decompressor.feed(data)

    return _median_s(runs, undo)


def _median_s(runs: int, call: Callable[[], object]) -> float:
    call()
    return statistics.median(_took_s(call) for _ in range(runs))


def _took_s(call: Callable[[], object]) -> float:
    begin = time.thread_time()
    call()
    return time.thread_time() - begin
