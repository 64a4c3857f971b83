"""The Responses API over WebSocket: many calls on one socket, one after another in each of its lanes.

The protocol is OpenAI's WebSocket mode (https://developers.openai.com/api/docs/guides/websocket-mode), which Codex,
xAI and vLLM speak too. A client's `response.create` has a request's members at its top; the server's messages are the
events of the stream. Lanes are named by `stream_id`; without one there is one lane.
"""

from collections import deque
from typing import Any

import orjson

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json
from midwatch_core.wire.decoding import DecodedRequest, decode_document
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.dialects.openai.errors import error_document
from midwatch_core.wire.dialects.openai.responses_steering import Steering
from midwatch_core.wire.dialects.openai.responses_stream import LAST
from midwatch_core.wire.jsontext import load, parse
from midwatch_core.wire.socket import NOTHING_HEARD, NOTHING_SAID, Heard, Said
from midwatch_core.wire.target import Target

# Far more than a server takes; of more, the oldest is given up.
_MAX_OPEN = 1024
_MAX_LANE_NAME = 512
# `response.append` is of Codex's first version of the protocol: more input for the response before.
_CREATES = frozenset({"response.create", "response.append"})


class _Open:
    """A call whose answer has not ended; `begun` once `response.created` has come."""

    __slots__ = ("begun", "lane", "number")

    def __init__(self, number: int, lane: str | None) -> None:
        self.number = number
        self.lane = lane
        self.begun = False


class ResponsesSocketReader:
    """Reads one socket (see `SocketReader`): an answer belongs to the oldest call that is open in its lane.

    Clients' other messages (`response.processed`, Codex's word that it has an answer) say nothing to the model.
    """

    __slots__ = ("_count", "_dialect", "_last", "_open", "_steering", "_target")

    def __init__(self, dialect: Dialect, target: Target) -> None:
        self._dialect = dialect
        self._target = target
        self._open: deque[_Open] = deque()
        self._steering = Steering()
        self._count = 0
        # The call that the client's last message began.
        self._last: _Open | None = None

    def sent(self, message: bytes) -> Said:
        """A call, or input for the response under way (`response.steer`), which its successor will read."""
        self._last = None
        self._steering.keep()
        document, problem = parse(message)
        if not isinstance(document, dict):
            return NOTHING_SAID
        kind = _kind(document)
        if kind == "response.steer":
            self._steering.add(document, len(message))
            return Said(own=self._decode(document, len(message), problem))
        if kind not in _CREATES:
            return NOTHING_SAID
        own = self._decode(document, len(message), problem)
        steered = self._steering.take(document.get("previous_response_id"))
        begins = self._decode(_steered(document, steered), len(message), problem) if steered else own
        self._last = self._begin(document.get("stream_id"))
        return Said(own=own, begins=begins)

    def received(self, message: bytes) -> Heard:
        """An event of the answer under way; `response.created` with none waiting is a successor that was steered."""
        try:
            event = load(message)
        except ValueError:
            return NOTHING_HEARD
        kind = _kind(event)
        if not _answers(kind):
            return NOTHING_HEARD
        lane = _lane(event.get("stream_id"))
        if kind == "response.created":
            return self._created(event, lane, len(message))
        found = self._oldest(lane)
        if found is None:
            return NOTHING_HEARD
        # In the middle of an answer `response.failed` follows, or the socket's end.
        if kind in LAST or (kind == "error" and not found.begun):
            self._open.remove(found)
        return Heard(call=found.number)

    def refused(self) -> None:
        """See `SocketReader`. The steering that the last message brought, or took over, is undone too."""
        self._steering.undo()
        if self._last is not None and self._last in self._open:
            self._open.remove(self._last)
        self._last = None

    def cancel(self, call: int) -> bytes | None:
        """The protocol has no such message."""
        return None

    def _created(self, event: dict[str, Any], lane: str | None, size: int) -> Heard:
        found = self._oldest(lane)
        if found is not None and found.begun:
            # It ended without its last event: with an error in its middle.
            self._open.remove(found)
            found = self._oldest(lane)
        if found is not None:
            found.begun = True
            return Heard(call=found.number)
        response = event.get("response")
        response = response if isinstance(response, dict) else {}
        document = {key: response[key] for key in ("model", "previous_response_id", "instructions") if key in response}
        steered = self._steering.take(document.get("previous_response_id"))
        begins = self._decode(_steered({"type": "response.create", **document}, steered), size, None)
        opened = self._begin(lane)
        opened.begun = True
        return Heard(call=opened.number, begins=begins)

    def _begin(self, lane: Json) -> _Open:
        if len(self._open) >= _MAX_OPEN:
            self._open.popleft()
        opened = _Open(self._count, _lane(lane))
        self._count += 1
        self._open.append(opened)
        return opened

    def _oldest(self, lane: str | None) -> _Open | None:
        return next((opened for opened in self._open if opened.lane == lane), None)

    def _decode(self, document: Json, size: int, problem: str | None) -> DecodedRequest:
        decoded = decode_document(self._dialect, document, self._target, body_bytes=size, problem=problem)
        # Every answer is streamed here, and no client says so.
        return DecodedRequest(request=changed(decoded.request, stream=True), document=decoded.document)


def refuse_on_socket(refusal: Refusal) -> tuple[bytes, ...]:
    """An `error` event with a status, as the server itself refuses a `response.create`."""
    headers = {} if refusal.retry_after_s is None else {"headers": {"retry-after": str(refusal.retry_after_s)}}
    event = {"type": "error", "status": refusal.status, "error": error_document(refusal), **headers}
    return (orjson.dumps(event),)


def _kind(event: Any) -> str:
    """The type of a server's message; some compatible servers send an error without one."""
    if not isinstance(event, dict):
        return ""
    kind = event.get("type") or ("error" if event.get("error") else "")
    return kind if isinstance(kind, str) else ""


def _answers(kind: str) -> bool:
    return kind == "error" or (kind.startswith("response.") and not kind.startswith("response.steer."))


def _lane(name: Json) -> str | None:
    return name if isinstance(name, str) and len(name) <= _MAX_LANE_NAME else None


def _steered(document: dict[str, Json], steered: list[Json]) -> dict[str, Json]:
    """The request as the model reads it: what was steered stands before its own input."""
    given = document.get("input")
    own: list[Json] = given if isinstance(given, list) else [] if given is None else [given]
    return {**document, "input": [*steered, *own]}
