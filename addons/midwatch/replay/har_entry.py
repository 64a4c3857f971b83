"""One entry of a HAR file as a flow: what browsers, Charles and mitmproxy write, read alike.

HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/. WebSocket messages stand in `_webSocketMessages`, a field of
Chrome's that mitmproxy writes too.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from mitmproxy import connection, flow, http
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from midwatch_core.wire.eventstream import CONTENT_TYPE as AWS_EVENT_STREAM

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
# What a body's length was on the wire does not hold for the body that is in the file.
_OF_THE_WIRE = frozenset({b"content-length", b"transfer-encoding"})
# How bodies begin that are compressed still, by their content-encoding.
_MAGIC = {b"gzip": b"\x1f\x8b", b"zstd": b"\x28\xb5\x2f\xfd"}
_TEXT, _BINARY = 1, 2
# Before a request is on its way, in the words of HAR; -1 where it does not apply. TLS is part of `connect`.
_BEFORE = ("blocked", "dns", "connect", "send")


class EntryError(ValueError):
    """An entry that can't be read; the message says why."""


def flow_of(entry: Any) -> http.HTTPFlow | None:
    """The flow of an entry; None where it is no HTTP (`data:`, `blob:`). Raises EntryError."""
    try:
        return _flow(entry)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        words = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise EntryError(f"not an entry of a HAR file: {words}"[:300]) from error


def _flow(entry: Mapping[str, Any]) -> http.HTTPFlow | None:
    parts = urlsplit(entry["request"]["url"])
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        return None
    made = http.HTTPFlow(_client(), connection.Server(address=(parts.hostname, parts.port or 0)))
    made.request = _request(entry["request"], urlunsplit((scheme, *parts[1:4], "")))
    made.response = _response(entry["response"])
    if made.response is None:
        made.error = flow.Error(str(entry["response"].get("_error") or "no answer came"))
    _set_times(made, entry)
    if messages := entry.get("_webSocketMessages"):
        made.request.headers["upgrade"] = "websocket"
        made.websocket = _socket(messages)
    return made


def _client() -> connection.Client:
    """Nobody in particular: a HAR file does not say who asked."""
    return connection.Client(peername=("", 0), sockname=("", 0))


def _request(said: Mapping[str, Any], url: str) -> http.Request:
    headers = _headers(said.get("headers") or ())
    made = http.Request.make(said["method"], url, b"", headers)
    made.raw_content = body = _posted(said)
    _forget_the_wire(made.headers, body)
    return made


def _response(said: Mapping[str, Any]) -> http.Response | None:
    status = said["status"]
    if not status:
        return None
    made = http.Response.make(int(status), b"", _headers(said.get("headers") or ()))
    content = said.get("content") or {}
    made.raw_content = body = _content(content)
    _forget_the_wire(made.headers, body)
    if "content-type" not in made.headers and content.get("mimeType"):
        made.headers["content-type"] = str(content["mimeType"])
    return made


def _headers(said: Sequence[Any]) -> http.Headers:
    """Name and value as bytes; HTTP/2's pseudo-headers, which Chrome lists too, are none."""
    pairs = ((str(item["name"]), str(item["value"])) for item in said)
    return http.Headers(
        [
            (name.encode("utf-8", "replace"), value.encode("utf-8", "replace"))
            for name, value in pairs
            if name[:1] != ":"
        ]
    )


def _forget_the_wire(headers: http.Headers, body: bytes | None) -> None:
    """Bodies are decompressed already, though their headers are those of the wire. The few that are not stay so."""
    coding = headers.get("content-encoding", "").strip().lower().encode()
    compressed = coding in _MAGIC and body is not None and body.startswith(_MAGIC[coding])
    dropped = _OF_THE_WIRE if compressed else _OF_THE_WIRE | {b"content-encoding"}
    headers.fields = tuple(field for field in headers.fields if field[0].lower() not in dropped)


def _posted(said: Mapping[str, Any]) -> bytes | None:
    """The body of a request; None where the file lacks it."""
    posted = said.get("postData")
    if posted is None:
        return b"" if said["method"] not in ("POST", "PUT", "PATCH") or said.get("bodySize") == 0 else None
    if posted.get("text") is not None:
        return _bytes(posted["text"], posted.get("encoding"))
    if posted.get("params"):
        return urlencode([(item["name"], item.get("value", "")) for item in posted["params"]]).encode()
    return None


def _content(said: Mapping[str, Any]) -> bytes | None:
    """The body of an answer; None where the file lacks it, as browsers' files do for what they had no room for."""
    text: str | None = said.get("text")
    if not text:
        return None if (said.get("size") or 0) > 0 else b""
    if _is_event_stream(said) and said.get("encoding") != "base64":
        return text.encode("latin-1")  # mitmproxy writes one that looks like text so, a character for a byte
    return _bytes(text, said.get("encoding"))


def _is_event_stream(content: Mapping[str, Any]) -> bool:
    return str(content.get("mimeType")).startswith(AWS_EVENT_STREAM)


def _bytes(text: str, encoding: str | None) -> bytes:
    if encoding != "base64":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise EntryError(f"its body is no base64: {error}") from error


def _set_times(made: http.HTTPFlow, entry: Mapping[str, Any]) -> None:
    """Seconds since the epoch, of the request whole, of the answer's first byte and of its last."""
    began = datetime.fromisoformat(entry["startedDateTime"])
    start = (began if began.tzinfo else began.replace(tzinfo=UTC)).timestamp()
    timings = entry.get("timings") or {}
    asked = start + sum(_milliseconds(timings, name) for name in _BEFORE) / 1000
    answered = asked + _milliseconds(timings, "wait") / 1000
    made.request.timestamp_start, made.request.timestamp_end = start, asked
    if made.response is not None:
        made.response.timestamp_start = answered
        made.response.timestamp_end = answered + _milliseconds(timings, "receive") / 1000


def _milliseconds(timings: Mapping[str, Any], name: str) -> float:
    return max(0.0, float(timings.get(name) or 0))


def _socket(messages: Sequence[Mapping[str, Any]]) -> WebSocketData:
    made = WebSocketData()
    for message in messages:
        kind = int(message.get("opcode", _TEXT))
        if kind in (_TEXT, _BINARY):
            data = _bytes(message["data"], "base64" if kind == _BINARY else None)
            made.messages.append(WebSocketMessage(kind, message["type"] == "send", data, float(message["time"])))
    return made
