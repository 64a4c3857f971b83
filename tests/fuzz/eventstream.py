"""AWS event streams: any bytes, and messages of any headers and payload, held against botocore's reading.

Input: which dialect, how the body is cut, what the rest is (`_BODIES`), the rest.
"""

import contextlib
import struct
from collections.abc import Callable, Iterable
from zlib import crc32

from botocore.eventstream import EventStreamBuffer, ParserError

from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.editing.eventstream import EventStreamCutter
from midwatch_core.wire.eventstream import EventStreamFramer, MessageReader, event_message
from tests.core.wire.editing.streams import AWS, OWN, SIMULATED
from tests.fuzz import answers
from tests.fuzz.pieces import Given, fed, pieces

# A checksum is not found by chance: two of three kinds of input get theirs from us.
_BETWEEN, _WITHIN = b"\x1e", b"\x1f"
_DIALECTS = [dialect for dialect in BUILTIN if dialect.id.startswith("bedrock")]


def seeds() -> list[bytes]:
    """Simulated answers: their bytes, their events, and their messages' headers and payloads."""
    return [seed for item in (*OWN, *SIMULATED) if item.kind == AWS for seed in _seeds(item.dialect.id, item.body)]


def one(data: bytes) -> None:
    """What holds of any bytes."""
    given = Given(data)
    dialect, seed, make = given.one_of(_DIALECTS), given.number(), given.one_of(_BODIES)
    body = make(given.rest())
    chunks = pieces(body, seed)
    framer, whole = EventStreamFramer(), EventStreamFramer()
    events = fed(whole, [body])
    assert (fed(framer, chunks), framer.trouble) == (events, whole.trouble)
    cut = fed(EventStreamCutter(), chunks)
    assert b"".join(piece.raw for piece in cut) == body
    assert [(piece.name, piece.data) for piece in cut if piece.data is not None] == [each for each in events if each[0]]
    _as_botocore(body)
    answers.check(dialect, body, chunks, AWS)


def _as_botocore(body: bytes) -> None:
    """Both read the same messages, as far as both read; botocore takes headers that run past their block."""
    theirs: list[bytes] = []
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    with contextlib.suppress(ParserError, ValueError, LookupError, struct.error):
        theirs += (message.payload for message in buffer)
    reader = MessageReader()
    ours = [message.raw[message.start : -4] for message in reader.feed(body)]
    assert ours[: len(theirs)] == theirs[: len(ours)]
    assert len(ours) >= len(theirs) or (reader.trouble or "").endswith("headers can't be read")


def _events(rest: bytes) -> bytes:
    return b"".join(event_message(name.decode("latin-1"), payload) for name, payload in _parted(rest))


def _messages(rest: bytes) -> bytes:
    return b"".join(_message(headers, payload) for headers, payload in _parted(rest))


def _as_it_is(rest: bytes) -> bytes:
    return rest


_BODIES: tuple[Callable[[bytes], bytes], ...] = (_as_it_is, _events, _messages)


def _parted(rest: bytes) -> Iterable[tuple[bytes, bytes]]:
    for part in rest.split(_BETWEEN):
        first, _, second = part.partition(_WITHIN)
        yield first, second


def _message(headers: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return body + struct.pack(">I", crc32(body))


def _seeds(dialect: str, body: bytes) -> Iterable[bytes]:
    number = next(place for place, item in enumerate(_DIALECTS) if item.id == dialect)
    messages = MessageReader().feed(body)
    events = _BETWEEN.join(item.name.encode() + _WITHIN + item.data for item in messages)
    parts = _BETWEEN.join(item.raw[12 : item.start] + _WITHIN + item.raw[item.start : -4] for item in messages)
    return (bytes((number, 7, kind)) + rest for kind, rest in enumerate((body, events, parts)))
