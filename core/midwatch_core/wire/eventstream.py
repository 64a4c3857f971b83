"""AWS event streams: messages cut incrementally from bytes, and written.

The format is at https://smithy.io/2.0/aws/amazon-eventstream.html: a prelude (length of the message, length of its
headers, CRC32 of both), headers, a payload, and the CRC32 of all before it.
"""

import struct
from base64 import b64encode
from binascii import a2b_base64
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import orjson

from midwatch_core.model.content import Json
from midwatch_core.wire.jsontext import compact
from midwatch_core.wire.sse import MAX_EVENT_BYTES

CONTENT_TYPE = "application/vnd.amazon.eventstream"
# The event whose payload holds bytes of another format, in base64 (InvokeModelWithResponseStream).
CHUNK = "chunk"

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_PRELUDE_BYTES = _PRELUDE.size
_OVERHEAD = _PRELUDE_BYTES + _CRC.size
_MAX_HEADERS_BYTES = 128 * 1024
# Bytes of a header's value by its type; types 6 and 7 say their length themselves.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_STRING = 7
_NAMED_BY = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}
# Streams have few kinds of events, with the same headers and nearly the same lengths again and again.
_MAX_KNOWN = 512
_MAX_KNOWN_BYTES = 512


class _NoMessageError(Exception):
    """The bytes are no message; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `name` is its event's or exception's type, an error's code; `start` is where the payload begins."""

    raw: bytes
    name: str
    start: int
    data: bytes

    def with_data(self, new: bytes) -> bytes:
        """The message with other data, its headers as they were; lengths and checksums are right again."""
        payload = new
        if self.name == CHUNK:
            payload = compact(
                _envelope(self.raw[self.start : -_CRC.size]) | {"bytes": b64encode(new).decode()}
            ).encode()
        return _written(self.raw[_PRELUDE_BYTES : self.start], payload)


class MessageReader:
    """Bytes in, messages out. At the first that is none (a wrong length or checksum) it stops, and `trouble` says so.

    What comes after that can't be told apart: there is no mark where a next message would begin.
    """

    __slots__ = ("_held", "_wanted", "trouble")

    def __init__(self) -> None:
        self.trouble: str | None = None
        self._held = bytearray()
        # How many bytes must be there before another look at what is held tells more.
        self._wanted = _PRELUDE_BYTES

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes."""
        return [Message(raw=raw, name=name, start=start, data=said) for raw, name, start, said in self.cut(data)]

    def cut(self, data: bytes) -> list[tuple[bytes, str, int, bytes]]:
        """The same as plain tuples of a message's fields: a stream's hot path. Mostly nothing is held, nor copied."""
        messages: list[tuple[bytes, str, int, bytes]] = []
        held = self._held
        if held or self.trouble:
            held += data
            if self.trouble or len(held) < self._wanted:
                return messages
            data = self.take()
        at, end, self._wanted = 0, len(data), _PRELUDE_BYTES
        try:
            while end - at >= _PRELUDE_BYTES:
                size, start = _lengths(data[at : at + _PRELUDE_BYTES])
                if size > end - at:
                    self._wanted = size
                    break
                messages.append(_message(data[at : at + size], start))
                at += size
        except _NoMessageError as error:
            self.trouble = f"event stream: {error}"
        if at < end:
            held += data[at:]
        return messages

    def take(self) -> bytes:
        """What is part of no message that was given out; it is forgotten here."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


class EventStreamFramer:
    """Bytes in, (name, data) out: the type of the event or exception, and its payload.

    The data of a `chunk` are the bytes that its payload holds in base64.
    """

    __slots__ = ("_reader", "overflowed")

    def __init__(self) -> None:
        self._reader = MessageReader()
        self.overflowed = False

    @property
    def trouble(self) -> str | None:
        """Where reading stopped before the stream's end, if it did."""
        return self._reader.trouble

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The events that `data` completes."""
        if self._reader.trouble:
            return []
        events = [(name, said) for _, name, _, said in self._reader.cut(data)]
        if self._reader.trouble:
            self._reader.take()
        return events

    def close(self) -> list[tuple[str, bytes]]:
        """No event: half a message is none."""
        if self._reader.take() and not self._reader.trouble:
            self._reader.trouble = "event stream: it ended inside a message"
        return []


def event_message(name: str, payload: bytes) -> bytes:
    """An event, or an exception where its name says so, as AWS writes it; `payload` is JSON, a `chunk`'s its bytes."""
    kind = "exception" if name.endswith("Exception") else "event"
    if name == CHUNK:
        payload = orjson.dumps({"bytes": b64encode(payload).decode()})
    headers = ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind))
    return _written(b"".join(_header(key, value) for key, value in headers), payload)


@lru_cache(maxsize=_MAX_KNOWN)
def _lengths(prelude: bytes) -> tuple[int, int]:
    """How long the message is, and where its payload begins."""
    size, headers, checksum = _PRELUDE.unpack(prelude)
    if crc32(prelude[:8]) != checksum:
        raise _NoMessageError("a prelude's checksum is wrong")
    if headers > _MAX_HEADERS_BYTES or size < headers + _OVERHEAD:
        raise _NoMessageError(f"a message of {size} bytes can't have {headers} bytes of headers")
    if size > MAX_EVENT_BYTES:
        raise _NoMessageError(f"a message of {size} bytes is more than is read")
    return size, _PRELUDE_BYTES + headers


def _message(raw: bytes, start: int) -> tuple[bytes, str, int, bytes]:
    if _CRC.pack(crc32(raw[:-4])) != raw[-4:]:
        raise _NoMessageError("a message's checksum is wrong")
    headers = raw[_PRELUDE_BYTES:start]
    name, instead = _said(headers) if len(headers) <= _MAX_KNOWN_BYTES else _said.__wrapped__(headers)
    payload = raw[start:-4] or instead
    return raw, name, start, _inner(payload) if name == CHUNK else payload


@lru_cache(maxsize=_MAX_KNOWN)
def _said(data: bytes) -> tuple[str, bytes]:
    """What the headers say: the name, and data where the payload has none."""
    headers = _read_headers(data)
    if headers is None:
        raise _NoMessageError("a message's headers can't be read")
    kind = headers.get(":message-type", "event")
    instead = orjson.dumps({"message": headers.get(":error-message")}) if kind == "error" else b""
    return headers.get(_NAMED_BY.get(kind, ":event-type"), ""), instead


def _written(headers: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", len(headers) + len(payload) + _OVERHEAD, len(headers))
    body = lengths + _CRC.pack(crc32(lengths)) + headers + payload
    return body + _CRC.pack(crc32(body))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes((len(key),)) + key + bytes((_STRING,)) + struct.pack(">H", len(text)) + text


def _read_headers(data: bytes) -> dict[str, str] | None:
    """The headers that are strings, None where the bytes are no headers."""
    found: dict[str, str] = {}
    at, end = 0, len(data)
    while at < end:
        name_end = at + 1 + data[at]
        if name_end >= end:
            return None
        kind = data[name_end]
        name, at = data[at + 1 : name_end], name_end + 1
        size = _FIXED.get(kind)
        if size is None:
            if kind > _STRING or at + 2 > end:
                return None
            size, at = int.from_bytes(data[at : at + 2]), at + 2
        if at + size > end:
            return None
        if kind == _STRING:
            found[name.decode("utf-8", "replace")] = data[at : at + size].decode("utf-8", "replace")
        at += size
    return found


def _inner(payload: bytes) -> bytes:
    """The bytes in a chunk; the payload itself where there are none, for its reader to say so."""
    held = _envelope(payload).get("bytes")
    try:
        return a2b_base64(held, strict_mode=True) if isinstance(held, str) else payload
    except ValueError:
        return payload


def _envelope(payload: bytes) -> dict[str, Json]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
