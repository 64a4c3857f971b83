"""Messages of a WebSocket as requests: noted in the ledger, scripted, and answered event by event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.script import Script, ScriptError, parse_script
from midwatch.simulated.service import Order, RawRequest, Service

METHOD = "MESSAGE"
"""What the ledger has as the method of a message; its headers are the handshake's."""


def document_of(message: bytes) -> Json | None:
    """The message's JSON object, or None."""
    try:
        value = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


class MessageDesk:
    """Takes the messages of one socket in. `script` is the handshake's; a call's metadata may have an `x-sim` too."""

    def __init__(self, raw: RawRequest, service: Service, script: Script) -> None:
        self._raw = raw
        self._service = service
        self._script = script

    def note(self, message: bytes) -> RawRequest:
        """Write a message down."""
        raw = replace(self._raw, method=METHOD, http_version="websocket", body=message)
        self._progress = self._service.note(raw)
        return raw

    def call(self, body: Json) -> Call:
        """The message noted last, as builders see it."""
        return self._service.call(replace(self._raw, method=METHOD), body)

    def script(self, metadata: object) -> Script:
        """How to answer a call."""
        header = metadata.get("x-sim") if isinstance(metadata, dict) else None
        try:
            return parse_script(str(header), self._script) if header else self._script
        except ScriptError:
            return replace(self._script, status=400)

    def order(self, events: Iterable[bytes], script: Script, *, failure: bytes = b"") -> Order:
        """An answer to the message noted last; every event is a message that ends in a line feed."""
        return Order(answer=Answer(events=events, failure=failure), script=script, progress=self._progress)


def from_sse(events: Iterable[bytes], more: Json | None = None) -> Iterator[bytes]:
    """Events of an HTTP stream as messages, with members added."""
    tail = b"," + orjson.dumps(more)[1:] if more else b""
    for event in events:
        data = event.partition(b"data: ")[2].rstrip(b"\n")
        yield (data[:-1] + tail if tail else data) + b"\n"


def error_of(status: int, *, code: str | None = None, message: str | None = None) -> Json:
    """The `error` member for a status, in OpenAI's words."""
    error: Json = openai_errors.error_body(status, "openai", message)["error"]
    return error | ({"code": code} if code else {})
