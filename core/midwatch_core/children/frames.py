"""Frames between a process and its owner: two lengths, a JSON header, a body of bytes."""

import asyncio
import os
import struct
from typing import Any

import orjson

# The longest request that is inspected has 32 MB by default; as a frame with its skeleton it is a few times that.
LONGEST_BYTES = 256 * 1024 * 1024
# A thousand items with all their texts at their longest.
LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
_LENGTHS = struct.Struct(">II")


class BrokenFrameError(ValueError):
    """What came is no frame."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A frame. Raises BrokenFrameError where it would be too long."""
    words = orjson.dumps(header)
    if len(words) + len(body) > LONGEST_BYTES:
        raise BrokenFrameError(f"{len(words) + len(body)} bytes are too many for a pipe")
    return b"".join((_LENGTHS.pack(len(words), len(body)), words, body))


def _lengths(data: bytes, most: int) -> tuple[int, int]:
    header, body = _LENGTHS.unpack(data)
    if header + body > most:
        raise BrokenFrameError(f"a frame of {header + body} bytes")
    return header, body


def _header(data: bytes) -> dict[str, Any]:
    header = orjson.loads(data)
    if not isinstance(header, dict):
        raise BrokenFrameError("a frame without a header")
    return header


async def receive(reader: asyncio.StreamReader, longest_bytes: int = LONGEST_ANSWER_BYTES) -> dict[str, Any]:
    """The next answer: a header alone. Raises ValueError where it is none, IncompleteReadError at the end."""
    words, body = _lengths(await reader.readexactly(_LENGTHS.size), longest_bytes)
    header = await reader.readexactly(words)
    await reader.readexactly(body)
    return _header(header)


def read(descriptor: int) -> tuple[dict[str, Any], bytes] | None:
    """The next frame from a pipe, waiting for it; None at the end."""
    start = _exactly(descriptor, _LENGTHS.size)
    if start is None:
        return None
    words, length = _lengths(start, LONGEST_BYTES)
    header, body = _exactly(descriptor, words), _exactly(descriptor, length)
    return None if header is None or body is None else (_header(header), body)


def write(descriptor: int, data: bytes) -> None:
    """All of it, to a pipe."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _exactly(descriptor: int, length: int) -> bytes | None:
    found = bytearray()
    while len(found) < length:
        piece = os.read(descriptor, min(length - len(found), 1 << 20))
        if not piece:
            return None
        found += piece
    return bytes(found)
