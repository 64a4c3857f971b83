"""AWS event streams: botocore reads what we write, any split gives the same, and what is no message stops reading."""

import base64
import json
import struct
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.wire import eventstream
from midwatch_core.wire.editing.eventstream import EventStreamCutter
from midwatch_core.wire.eventstream import EventStreamFramer, MessageReader, event_message
from tests.core.wire.wire_checks import cuts, split_at

BODY = b"".join(
    (
        event_message("messageStart", b'{"role":"assistant"}'),
        event_message("chunk", b'{"outputText":"Gr\xc3\xbc\xc3\x9fe"}'),
        event_message("validationException", b'{"message":"no"}'),
        event_message("messageStop", b""),
    )
)
EVENTS = [
    ("messageStart", b'{"role":"assistant"}'),
    ("chunk", b'{"outputText":"Gr\xc3\xbc\xc3\x9fe"}'),
    ("validationException", b'{"message":"no"}'),
    ("messageStop", b""),
]


def message(headers: bytes, payload: bytes = b"{}", *, size: int | None = None, length: int | None = None) -> bytes:
    """A message with any headers, and lengths that need not be right."""
    size = 16 + len(headers) + len(payload) if size is None else size
    prelude = struct.pack(">II", size, len(headers) if length is None else length)
    body = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return body + struct.pack(">I", crc32(body))


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes((len(name),)) + name.encode() + bytes((kind,)) + value


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def framed(chunks: list[bytes]) -> tuple[list[tuple[str, bytes]], str | None]:
    framer = EventStreamFramer()
    events = [event for chunk in chunks for event in framer.feed(chunk)]
    return [*events, *framer.close()], framer.trouble


def test_botocore_reads_what_is_written() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(BODY)
    start, chunk, failed, stop = list(buffer)
    assert start.headers == {
        ":event-type": "messageStart",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert base64.b64decode(json.loads(chunk.payload)["bytes"]) == EVENTS[1][1]
    assert failed.headers[":exception-type"] == "validationException"
    assert failed.to_response_dict()["status_code"] == 400
    assert stop.payload == b""


@given(where=cuts)
def test_any_split_gives_the_same_events(where: list[int]) -> None:
    assert framed(split_at(BODY, where)) == (EVENTS, None)


def test_byte_by_byte() -> None:
    assert framed([bytes((byte,)) for byte in BODY]) == (EVENTS, None)


def test_headers_of_every_type_are_passed_over_for_the_name() -> None:
    kinds = [(0, b""), (1, b""), (2, b"1"), (3, b"12"), (4, b"1234"), (5, b"1" * 8), (6, text("raw"))]
    others = b"".join(header(f"h{kind}", kind, value) for kind, value in [*kinds, (8, b"t" * 8), (9, b"u" * 16)])
    named = others + header(":event-type", 7, text("metadata"))
    assert framed([message(named)]) == ([("metadata", b"{}")], None)


def test_an_error_has_its_code_and_message_in_headers() -> None:
    fields = ((":message-type", "error"), (":error-code", "InternalError"), (":error-message", "Ouch"))
    headers = b"".join(header(name, 7, text(value)) for name, value in fields)
    assert framed([message(headers, b"")]) == ([("InternalError", b'{"message":"Ouch"}')], None)


@pytest.mark.parametrize("payload", [b"", b"no json", b"[]", b'{"bytes":5}', b'{"bytes":"*"}', b'{"bytes":"YQ"}'])
def test_a_chunk_that_holds_no_bytes_stays_what_it_is(payload: bytes) -> None:
    headers = header(":event-type", 7, text("chunk"))
    assert framed([message(headers, payload)]) == ([("chunk", payload)], None)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (BODY[:8] + b"\0\0\0\0" + BODY[12:], "a prelude's checksum"),
        (event_message("x", b"{}")[:-1] + b"\0", "a message's checksum"),
        (message(b"", size=12), "can't have 0 bytes of headers"),
        (message(b"", size=20, length=9), "can't have 9 bytes of headers"),
        (message(b"", size=1 << 31, length=1 << 30), "can't have 1073741824 bytes of headers"),
        (message(b"", size=1 << 31), "more than is read"),
        (message(header("a", 7, b"\0\x09ab")), "headers can't be read"),
        (message(header("a", 12, b"")), "headers can't be read"),
        (message(b"\x7fabc"), "headers can't be read"),
        (b"HTTP/1.1 200 OK, and so on", "a prelude's checksum"),
    ],
)
def test_what_is_no_message_ends_the_reading_with_a_note(bad: bytes, reason: str) -> None:
    first = event_message("messageStart", b"{}")
    events, trouble = framed([first + bad + BODY, BODY])
    assert events == [("messageStart", b"{}")]
    assert trouble is not None
    assert reason in trouble


def test_a_message_that_was_right_before_is_checked_again() -> None:
    good = event_message("messageStop", b'{"stopReason":"end_turn"}')
    spoilt = good[:-6] + b"!" + good[-5:]
    reader = MessageReader()
    assert len(reader.feed(good + good)) == 2
    assert len(reader.feed(good + spoilt + good)) == 1
    assert reader.trouble == "event stream: a message's checksum is wrong"
    assert reader.take() == spoilt + good
    assert (reader.feed(good), reader.take()) == ([], good)


def test_an_end_inside_a_message_is_noted() -> None:
    events, trouble = framed([BODY[:-3]])
    assert events == EVENTS[:-1]
    assert trouble == "event stream: it ended inside a message"


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventstream, "MAX_EVENT_BYTES", 1000)
    reader = MessageReader()
    assert reader.feed(event_message("x", b"y" * 2000)) == []
    assert reader.trouble is not None
    framer = EventStreamFramer()
    framer.feed(event_message("x", b"y" * 2000)[:100])
    assert framer._reader.take() == b""


@given(st.binary(max_size=80) | st.binary(max_size=40).map(lambda extra: BODY + extra), cuts)
def test_any_bytes_pass_the_cutter_unchanged(body: bytes, where: list[int]) -> None:
    cutter = EventStreamCutter()
    pieces = [piece for part in split_at(body, where) for piece in cutter.feed(part)] + cutter.close()
    assert b"".join(piece.raw for piece in pieces) == body
    events = [(piece.name, piece.data) for piece in pieces if piece.data is not None]
    assert events == framed([body])[0]


@pytest.mark.parametrize("name", ["contentBlockDelta", "chunk"])
def test_other_data_gets_its_lengths_and_checksums_anew(name: str) -> None:
    extra = header("x-more", 7, text("kept")) + header(":event-type", 7, text(name))
    old: Any = {"bytes": base64.b64encode(b'{"a":1}').decode(), "p": "abc"} if name == "chunk" else {"a": 1}
    (piece,) = EventStreamCutter().feed(message(extra, json.dumps(old).encode()))
    buffer = EventStreamBuffer()
    buffer.add_data(piece.with_data(b'{"a":"longer than before"}'))
    (changed,) = list(buffer)
    assert changed.headers == {"x-more": "kept", ":event-type": name}
    document = json.loads(changed.payload)
    if name == "chunk":
        assert document["p"] == "abc"
        document = json.loads(base64.b64decode(document["bytes"]))
    assert document == {"a": "longer than before"}


def test_a_broken_stream_is_counted_once_by_the_cutter() -> None:
    cutter = EventStreamCutter()
    first = cutter.feed(event_message("x", b"{}") + b"not a message at all")
    assert [piece.data for piece in first] == [b"{}", None]
    assert [piece.raw for piece in cutter.feed(BODY)] == [BODY]
    assert (cutter.passed, cutter.close()) == (1, [])
