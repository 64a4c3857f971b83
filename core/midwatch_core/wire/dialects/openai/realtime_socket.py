"""The Realtime protocol's socket: responses, asked for or begun by the server, and transcriptions of what was said.

A call's request is put together from the session's settings and what came since the call before; earlier items of the
same socket are named by the session's id, as the conversation's. See the client's and the server's events in
https://developers.openai.com/api/reference/resources/realtime.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json, Operation
from midwatch_core.wire.decoding import DecodedRequest, decode_document
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.openai.realtime_conversation import Conversation
from midwatch_core.wire.dialects.openai.realtime_items import audio_bytes_of
from midwatch_core.wire.dialects.openai.realtime_stream import LAST, TOLD_AGAIN, TRANSCRIPTION
from midwatch_core.wire.dialects.openai.realtime_transcription import (
    transcribed,
    transcription_of,
    transcription_request,
)
from midwatch_core.wire.jsontext import compact, load, parse
from midwatch_core.wire.socket import NOTHING_HEARD, NOTHING_SAID, Heard, Said
from midwatch_core.wire.target import Target

# Of each kind; far more than a server runs at once. Of more, the oldest is given up.
_MAX_OPEN = 256
# OpenAI's own bounds are lower: 16 pairs of 64 and 512 characters.
_MAX_NAME, _MAX_METADATA = 512, 32 * 1024
# An item is told for good: today's name and the beta's.
_FINAL = frozenset({"conversation.item.done", "conversation.item.created"})
_TOO_MUCH = "more items since the last call than are kept: the oldest are left out"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A `response.create` that has no `response.created` yet."""

    number: int
    event_id: Json
    metadata: Json


class RealtimeSocketReader:
    """Reads one socket (see `SocketReader`). Calls are told apart by the ids of responses and of transcribed items.

    The texts of `begins` stand elsewhere in it than in the messages that brought them; they are the same texts.
    A transcription is a call of its own, and what it understood is also what the next response's model reads. Often it
    is ready only when that response has begun: then it stands in the request after it.
    """

    __slots__ = (
        "_asked",
        "_before",
        "_conversation",
        "_count",
        "_dialect",
        "_handlers",
        "_heard",
        "_items",
        "_last",
        "_responses",
        "_target",
        "_transcriptions",
    )

    def __init__(self, dialect: Dialect, target: Target) -> None:
        self._dialect = dialect
        self._target = target
        self._conversation = self._before = Conversation()
        self._asked: list[_Asked] = []
        self._responses: dict[Json, int] = {}
        # Items of answers, by which call; kept when it has ended, for they are told again.
        self._items: dict[Json, int] = {}
        self._transcriptions: dict[Json, int] = {}
        self._count = 0
        # Bytes of sound in the server's buffer, not yet an item.
        self._heard = 0
        # The call that the client's last message, sound apart, began: an error that names no message is then its.
        self._last: _Asked | None = None
        self._handlers: dict[str, Callable[[dict[str, Any], int], Heard]] = {
            "response.created": self._created,
            "error": self._failed,
            "input_audio_buffer.committed": self._committed,
            "response.output_item.added": self._answered,
            **dict.fromkeys(TOLD_AGAIN, self._told),
            **dict.fromkeys(("session.created", "session.updated"), self._configured),
            **dict.fromkeys(("transcription_session.created", "transcription_session.updated"), self._configured),
        }

    def sent(self, message: bytes) -> Said:
        """Settings, an item, sound, or a call."""
        document, problem = parse(message)
        kind = document.get("type") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(kind, str):
            return NOTHING_SAID
        if kind.startswith("input_audio_buffer."):
            self._heard = 0 if kind.endswith(".clear") else self._heard + audio_bytes_of(document.get("audio"))
            return NOTHING_SAID
        self._before, self._last = self._conversation.copy(), None
        own = self._decode(document, len(message), problem)
        begins = None
        if kind == "response.create":
            begins = self._ask(document, len(message))
        elif kind == "conversation.item.create":
            self._conversation.write(document.get("item"), len(message))
        elif kind.endswith("session.update"):
            self._conversation.configure(document.get("session"), len(message))
        return Said(own=own if own.request.segments else None, begins=begins)

    def received(self, message: bytes) -> Heard:
        """Events of a response name it; those of a transcription name the item."""
        try:
            event = load(message)
        except ValueError:
            return NOTHING_HEARD
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            return NOTHING_HEARD
        if handler := self._handlers.get(kind):
            return handler(event, len(message))
        if kind.startswith(TRANSCRIPTION):
            return self._transcribe(kind, event, len(message))
        if kind in LAST:
            return Heard(call=self._responses.pop(_id(event.get("response")), None))
        call = self._responses.get(_key(event.get("response_id")))
        return NOTHING_HEARD if call is None else Heard(call=call)

    def refused(self) -> None:
        """See `SocketReader`."""
        self._conversation = self._before
        if self._last in self._asked:
            self._asked.remove(self._last)
        self._last = None

    def cancel(self, call: int) -> bytes | None:
        """`response.cancel`; a transcription can't be stopped."""
        for response_id, number in self._responses.items():
            if number == call:
                return orjson.dumps({"type": "response.cancel", "response_id": response_id})
        return None

    def _ask(self, document: dict[str, Json], size: int) -> DecodedRequest:
        response = document.get("response")
        begins = self._turn(response, size)
        metadata = response.get("metadata") if isinstance(response, dict) else None
        self._last = _Asked(self._next(), _key(document.get("event_id")), _small(metadata))
        self._asked = [*self._asked, self._last][-_MAX_OPEN:]
        return begins

    def _created(self, event: dict[str, Any], size: int) -> Heard:
        """The answer to the oldest call of the same metadata, else to the oldest; else the server's own, as when speech
        has ended.
        """
        response = event.get("response")
        metadata = response.get("metadata") if isinstance(response, dict) else None
        same = [asked for asked in self._asked if (asked.metadata or None) == (metadata or None)]
        if found := next(iter(same or self._asked), None):
            self._asked.remove(found)
            _keep(self._responses, _id(response), found.number)
            return Heard(call=found.number)
        begins, number = self._turn(None, 0), self._next()
        _keep(self._responses, _id(response), number)
        return Heard(call=number, begins=begins)

    def _failed(self, event: dict[str, Any], size: int) -> Heard:
        """An error belongs to a call that waits, by the id of the client's message; most concern no call."""
        found = self._meant(event.get("error"))
        if found is None or found not in self._asked:
            return NOTHING_HEARD
        self._asked.remove(found)
        return Heard(call=found.number)

    def _meant(self, error: Json) -> _Asked | None:
        """The call that an error means. Without an id it is the last message's, unless it is about another's member."""
        error = error if isinstance(error, dict) else {}
        if (named := error.get("event_id")) is not None:
            return next((asked for asked in self._asked if asked.event_id == named), None)
        member = error.get("param")
        return self._last if not isinstance(member, str) or member.startswith("response") else None

    def _configured(self, event: dict[str, Any], size: int) -> Heard:
        self._conversation.configure(event.get("session"), size)
        return NOTHING_HEARD

    def _answered(self, event: dict[str, Any], size: int) -> Heard:
        """An item of an answer: what else is told of it says the answer's texts again."""
        call = self._responses.get(_key(event.get("response_id")))
        if call is None:
            return NOTHING_HEARD
        if (item_id := _id(event.get("item"))) is not None:
            _keep(self._items, item_id, call)
        return Heard(call=call)

    def _told(self, event: dict[str, Any], size: int) -> Heard:
        """An item of the conversation: the client's, an answer's, or an MCP server's list of tools for the model."""
        item = event.get("item")
        if isinstance(item, dict) and item.get("type") == "mcp_list_tools" and event["type"] in _FINAL:
            self._conversation.write(item, size)
        call = self._items.get(_id(item))
        return NOTHING_HEARD if call is None else Heard(call=call)

    def _committed(self, event: dict[str, Any], size: int) -> Heard:
        """Sound became an item; where it is transcribed, that begins now."""
        self._conversation.hear(self._heard)
        heard, self._heard = self._heard, 0
        if transcription_of(self._conversation.session) is None:
            return NOTHING_HEARD
        return self._begin_transcription(event, heard)

    def _transcribe(self, kind: str, event: dict[str, Any], size: int) -> Heard:
        item_id = _key(event.get("item_id"))
        call = self._transcriptions.get(item_id)
        heard = self._begin_transcription(event, 0) if call is None else Heard(call=call)
        if kind.endswith((".completed", ".failed")):
            self._transcriptions.pop(item_id, None)
        if kind.endswith(".completed") and self._conversation.session.get("type") != "transcription":
            self._conversation.write(transcribed(event), size)
        return heard

    def _begin_transcription(self, event: dict[str, Any], audio_bytes: int) -> Heard:
        number = self._next()
        _keep(self._transcriptions, _key(event.get("item_id")), number)
        decoded = self._decode(transcription_request(self._conversation.session), 0, None)
        request = changed(decoded.request, operation=Operation.TRANSCRIPTION, audio_bytes=audio_bytes)
        return Heard(call=number, begins=DecodedRequest(request=request, document=decoded.document))

    def _turn(self, response: Json, size: int) -> DecodedRequest:
        turn = self._conversation.take(response, size)
        problem = _TOO_MUCH if turn.dropped else None
        decoded = self._decode(turn.document, turn.size, problem)
        request = changed(decoded.request, audio_bytes=turn.audio_bytes)
        return DecodedRequest(request=request, document=decoded.document)

    def _decode(self, document: Json, size: int, problem: str | None) -> DecodedRequest:
        return decode_document(self._dialect, document, self._target, body_bytes=size, problem=problem)

    def _next(self) -> int:
        self._count += 1
        return self._count - 1


def _keep(calls: dict[Json, int], key: Json, number: int) -> None:
    if len(calls) >= _MAX_OPEN:
        del calls[next(iter(calls))]
    calls[key] = number


def _id(told: Json) -> Json:
    return _key(told.get("id")) if isinstance(told, dict) else None


def _key(name: Json) -> Json:
    """A name as a key; None for what is none."""
    return name if isinstance(name, str) and len(name) <= _MAX_NAME else None


def _small(metadata: Json) -> Json:
    return metadata if len(compact(metadata)) <= _MAX_METADATA else None
