"""The Responses API over WebSocket: calls one after another in each lane, each going on from a response before it.

https://developers.openai.com/api/docs/guides/websocket-mode
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from midwatch.simulated.call import Json
from midwatch.simulated.openai import responses as openai_responses
from midwatch.simulated.script import Script
from midwatch.simulated.service import Order, RawRequest, Service
from midwatch.simulated.transport.messages import MessageDesk, document_of, error_of, from_sse
from midwatch.simulated.transport.socket_session import Reply
from midwatch.simulated.turn import compose

_MAX_REMEMBERED = 64
_ENVELOPE = ("type", "stream_id", "generate", "previous_response_id")


class ResponsesSession:
    """Remembers what the last responses of this socket said, as the real server does."""

    def __init__(self, raw: RawRequest, service: Service, script: Script) -> None:
        self._desk = MessageDesk(raw, service, script)
        # By response: the items of the conversation up to its end.
        self._said: dict[str, list[Any]] = {}

    def greeting(self) -> Iterable[bytes]:
        """Nothing: the client speaks first."""
        return ()

    def receive(self, message: bytes) -> Iterable[bytes | Reply]:
        """Answer a `response.create`; what else a client may say needs no answer, or is an error."""
        self._desk.note(message)
        document = document_of(message)
        kind = document.get("type") if document else None
        if document is None or not isinstance(kind, str):
            return (_error(400, message="Could not parse the message as a JSON object with a type."),)
        if kind == "response.processed":
            return ()
        if kind != "response.create":
            return (_error(400, message=f"Unknown event type {kind!r}."),)
        return (Reply(order=self._create(document), lane=str(document.get("stream_id") or "")),)

    def _create(self, document: Json) -> Order:
        script = self._desk.script(document.get("metadata"))
        lane = {"stream_id": document["stream_id"]} if document.get("stream_id") else {}
        previous = document.get("previous_response_id")
        if script.status >= 400:
            return self._desk.order((_error(script.status, **lane) + b"\n",), script)
        if previous is not None and previous not in self._said:
            text = f"Previous response with id '{previous}' not found."
            error = _error(400, code="previous_response_not_found", message=text, **lane)
            return self._desk.order((error + b"\n",), script)
        given = document.get("input")
        items = given if isinstance(given, list) else [{"role": "user", "content": given or ""}]
        body = {key: value for key, value in document.items() if key not in _ENVELOPE}
        body["input"] = [*self._said.get(previous or "", ()), *items]
        call = self._desk.call(body | {"previous_response_id": previous})
        turn = compose(openai_responses.read(call), script)
        events, failure = openai_responses.streamed(call, turn, script)
        output = openai_responses.output(call, turn)
        if document.get("generate") is False:
            events, output = openai_responses.warmed(call, turn, script), []
        self._remember(call.token("resp_", 50), [*body["input"], *output])
        failed = next(from_sse((failure,), lane))
        return self._desk.order(from_sse(events, lane), script, failure=failed)

    def _remember(self, response_id: str, items: list[Any]) -> None:
        self._said[response_id] = items
        if len(self._said) > _MAX_REMEMBERED:
            del self._said[next(iter(self._said))]


def _error(status: int, *, code: str | None = None, message: str | None = None, **lane: Any) -> bytes:
    error = error_of(status, code=code, message=message)
    return orjson.dumps({"type": "error", "status": status, "error": error, **lane})
