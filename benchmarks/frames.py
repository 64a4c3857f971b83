"""Canned answers that are no SSE: Converse's AWS event streams, the Responses API's messages over WebSocket."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from typing import Any

from midwatch.simulated.bedrock.framing import event

CONVERSE_PATH = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream"
SOCKET_PATH = "/v1/responses"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_TEXT, _MASKED = 0x81, 0x80
_CHECKED = b"midwatchmidwatch"


def frame(payload: bytes, *, masked: bool = False) -> bytes:
    """A text message in one frame; a client's is masked (with zeros, which leave it as it is)."""
    size, mask = len(payload), _MASKED if masked else 0
    length = bytes((mask | size,)) if size < 126 else bytes((mask | 126,)) + size.to_bytes(2)
    return bytes((_TEXT,)) + length + (b"\0\0\0\0" if masked else b"") + payload


def frame_size(data: bytes | bytearray) -> int:
    """How long the client's frame at the beginning is; more than there is where its length has not come yet."""
    if len(data) < 4:
        return 4
    size = data[1] & 0x7F
    return 6 + size if size < 126 else 8 + int.from_bytes(data[2:4])


def handshake(host: str, sim: str) -> bytes:
    """A client's request for a WebSocket."""
    key = base64.b64encode(_CHECKED).decode()
    return (
        f"GET {SOCKET_PATH} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer sk-benchmark\r\nupgrade: websocket\r\n"
        f"connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\nx-sim: {sim}\r\n\r\n"
    ).encode()


def accepted(key: bytes) -> bytes:
    """A server's answer to a handshake with this key."""
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    return head + b"sec-websocket-accept: " + accept + b"\r\n\r\n"


@functools.cache
def aws_writes(tokens: int, frames_per_write: int) -> tuple[bytes, ...]:
    """The writes of a ConverseStream, each a chunk of HTTP/1.1; the last one ends the body."""
    delta = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " token"}, "p": "abcdefghijkl"})
    usage = {"usage": {"inputTokens": 2500, "outputTokens": tokens, "totalTokens": 2500 + tokens}}
    ends = (("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "end_turn"}))
    tail = b"".join(event(name, value) for name, value in (*ends, ("metadata", usage)))
    pieces = (event("messageStart", {"role": "assistant"}), *_grouped(delta, tokens, frames_per_write), tail)
    *writes, last = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return (*writes, last + b"0\r\n\r\n")


@functools.cache
def socket_writes(tokens: int, messages_per_write: int) -> tuple[bytes, ...]:
    """The messages of one response."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    delta = frame(_json("response.output_text.delta", **place, delta=" token", logprobs=[], sequence_number=4))
    created = frame(_json("response.created", response={**_RESPONSE, "status": "in_progress"}, sequence_number=0))
    return (created, *_grouped(delta, tokens, messages_per_write), LAST_MESSAGE)


def _grouped(piece: bytes, count: int, size: int) -> list[bytes]:
    return [piece * min(size, count - done) for done in range(0, count, size)]


def _json(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode()


_RESPONSE = {"id": "resp_bench", "object": "response", "created_at": 1700000000, "model": "gpt-5", "output": []}
_USAGE = {"input_tokens": 2500, "output_tokens": 2000, "total_tokens": 4500}
# The last message of every response, by which a client knows its end.
LAST_MESSAGE = frame(
    _json("response.completed", response={**_RESPONSE, "status": "completed", "usage": _USAGE}, sequence_number=9)
)


def ask() -> bytes:
    """A client's message that asks for a response."""
    return frame(_json("response.create", model="gpt-5", input="Keep a good watch. " * 100), masked=True)
