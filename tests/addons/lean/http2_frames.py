"""Frames of HTTP/2 as they are on the wire, good and bad: what no client library would send."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hpack import Encoder
from hyperframe.frame import Frame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Frames' types (RFC 9113, section 6) and the flags used here.
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 5, 6, 8, 9
END_STREAM, END_HEADERS, PADDED = 1, 4, 8


def frame(kind: int, flags: int, stream: int, body: bytes = b"", length: int | None = None) -> bytes:
    """A frame as it is on the wire, be it good or bad."""
    size = len(body) if length is None else length
    return struct.pack("!I", size)[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + body


def head(*more: tuple[str, str], method: str = "GET", path: str = "/echo") -> bytes:
    """An encoded list of fields that refers to nothing before it."""
    fields = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
    return bytes(Encoder().encode([*fields, *more], huffman=False))


def number(value: int) -> bytes:
    return struct.pack("!I", value)


def rapid_reset(times: int) -> bytes:
    return b"".join(
        frame(HEADERS, END_HEADERS | END_STREAM, at * 2 + 1, head()) + frame(RST, 0, at * 2 + 1, number(8))
        for at in range(times)
    )


def made_to_reset(times: int) -> bytes:
    """Streams that we reset ourselves, for their window is opened too far."""
    over = frame(WINDOW, 0, 0, number(1))
    return b"".join(
        frame(HEADERS, END_HEADERS, at * 2 + 1, head(method="POST"))
        + frame(WINDOW, 0, at * 2 + 1, number(2**31 - 1))
        + over
        for at in range(times)
    )


def frames_in(data: bytes) -> Iterator[Frame]:
    """The whole frames of what was received."""
    while len(data) >= 9:
        found, length = Frame.parse_frame_header(memoryview(data[:9]))
        if len(data) < 9 + length:
            return
        found.parse_body(memoryview(data[9 : 9 + length]))
        data = data[9 + length :]
        yield found
