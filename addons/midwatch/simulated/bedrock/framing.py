"""AWS event stream messages out of JSON values (https://smithy.io/2.0/aws/amazon-eventstream.html)."""

from __future__ import annotations

import base64
import struct
from typing import Any
from zlib import crc32

import orjson

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7


def event(name: str, value: Any) -> bytes:
    """A message of type `event`, as Converse streams them."""
    headers = ((":event-type", name), (":content-type", "application/json"), (":message-type", "event"))
    return message(headers, orjson.dumps(value))


def chunk(data: bytes) -> bytes:
    """What a model streams in its own format, in the envelope of an invocation."""
    return event("chunk", {"bytes": base64.b64encode(data).decode()})


def exception(name: str, text: str) -> bytes:
    """A message of type `exception`, which ends a stream."""
    headers = ((":exception-type", name), (":content-type", "application/json"), (":message-type", "exception"))
    return message(headers, orjson.dumps({"message": text}))


def message(headers: tuple[tuple[str, str], ...], payload: bytes) -> bytes:
    """Prelude, headers (all strings), payload, and the two checksums."""
    block = b"".join(_header(name.encode(), value.encode()) for name, value in headers)
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    body = prelude + struct.pack(">I", crc32(prelude)) + block + payload
    return body + struct.pack(">I", crc32(body))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(f">B{len(name)}sBH", len(name), name, _STRING, len(value)) + value
