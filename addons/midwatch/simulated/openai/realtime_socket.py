"""The Realtime protocol over WebSocket: settings, items, sound that is heard, and responses.

https://developers.openai.com/api/docs/guides/realtime-websocket. What silence is, and what is said, `realtime_audio`
tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from urllib.parse import parse_qsl

from midwatch.simulated.call import Call, Json
from midwatch.simulated.openai.realtime_audio import SpeechBuffer, tokens_of, transcript_of
from midwatch.simulated.openai.realtime_conversation import RealtimeConversation
from midwatch.simulated.openai.realtime_events import Answering, response_events
from midwatch.simulated.openai.realtime_wording import Wording
from midwatch.simulated.openai.usage import realtime_usage
from midwatch.simulated.script import Script
from midwatch.simulated.service import RawRequest, Service
from midwatch.simulated.transport.messages import MessageDesk, document_of, error_of
from midwatch.simulated.transport.socket_session import Reply
from midwatch.simulated.turn import Turn, compose
from midwatch.simulated.wording import pieces

_DEFAULT_MODEL = "gpt-realtime"
_CONVERSATION = "conversation"


class RealtimeSession:
    """One session (see `Session`)."""

    def __init__(self, raw: RawRequest, service: Service, script: Script) -> None:
        self._desk = MessageDesk(raw, service, script)
        query = dict(parse_qsl(raw.target.partition("?")[2]))
        beta = "realtime=v1" in raw.fields.get("openai-beta", "")
        self._conversation = RealtimeConversation(
            self._desk.call({}).token("sess_", 24),
            query.get("model") or query.get("deployment") or _DEFAULT_MODEL,
            beta=beta,
            transcribes=query.get("intent") == "transcription",
        )
        self._wording = Wording(beta=beta)
        self._speech = SpeechBuffer()
        self._numbers = count(1)
        # What the sound in the buffer will be.
        self._speaking = self._name("item_")
        self._cancelled: set[str] = set()
        self._active: list[str] = []
        self._handlers: dict[str, Callable[[Json], Iterator[Json | Reply]]] = {
            "session.update": self._configure,
            "transcription_session.update": self._configure,
            "conversation.item.create": self._write,
            "input_audio_buffer.append": self._hear,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "response.create": self._create,
            "response.cancel": self._cancel,
        }

    def greeting(self) -> Iterable[bytes]:
        """The session as it begins."""
        yield self._wording.write({"type": "session.created", "session": self._conversation.settings})

    def receive(self, message: bytes) -> Iterator[bytes | Reply]:
        """Act on a message; one that can't be read is an error, and the session goes on."""
        self._desk.note(message)
        document = document_of(message) or {}
        handler = self._handlers.get(str(document.get("type")))
        if handler is None:
            yield self._wording.write(_error(document, f"Unknown event type {document.get('type')!r}."))
            return
        for reply in handler(document):
            if isinstance(reply, Reply):
                yield reply
            elif written := self._wording.write(reply):
                yield written

    def _configure(self, document: Json) -> Iterator[Json | Reply]:
        session = document.get("session")
        if isinstance(session, dict):
            self._conversation.configure(session)
        yield {"type": "session.updated", "session": self._conversation.settings}

    def _write(self, document: Json) -> Iterator[Json | Reply]:
        item = document.get("item")
        if not isinstance(item, dict):
            yield _error(document, "Missing required parameter: 'item'.", param="item")
            return
        yield from self._add(item)

    def _add(self, item: Json) -> Iterator[Json]:
        item = {"id": self._name("item_"), "object": "realtime.item", "status": "completed"} | item
        self._conversation.add(item)
        yield {"type": "conversation.item.added", "item": item, "previous_item_id": None}
        yield {"type": "conversation.item.done", "item": item, "previous_item_id": None}

    def _hear(self, document: Json) -> Iterator[Json | Reply]:
        try:
            change = self._speech.append(document.get("audio"))
        except ValueError as wrong:
            yield _error(document, str(wrong), param="audio")
            return
        if not change or not self._conversation.detects_speech:
            return
        when = "audio_start_ms" if change == "started" else "audio_end_ms"
        yield {"type": f"input_audio_buffer.speech_{change}", when: 0, "item_id": self._speaking}
        if change == "stopped":
            yield from self._commit(document)
            if self._conversation.answers_speech:
                yield self._respond({})

    def _commit(self, document: Json) -> Iterator[Json | Reply]:
        sound = self._speech.take()
        if not sound:
            yield _error(document, "The input audio buffer is empty.", code="input_audio_buffer_commit_empty")
            return
        self._conversation.heard_bytes += len(sound)
        said, item_id, self._speaking = transcript_of(sound), self._speaking, self._name("item_")
        yield {"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": None}
        # The model hears what was said, be it transcribed for the client or not.
        content = [{"type": "input_audio", "transcript": said}]
        shown = {
            "type": "message",
            "role": "user",
            "id": item_id,
            "content": [{"type": "input_audio", "transcript": None}],
        }
        self._conversation.add(shown | {"content": content})
        yield {"type": "conversation.item.added", "item": shown, "previous_item_id": None}
        yield {"type": "conversation.item.done", "item": shown, "previous_item_id": None}
        if self._conversation.transcription is not None:
            events = _transcription(item_id, said, tokens_of(len(sound)))
            order = self._desk.order(self._wording.lines(events), self._desk.script(None))
            yield Reply(order=order, lane="transcription")

    def _clear(self, document: Json) -> Iterator[Json | Reply]:
        self._speech.take()
        yield {"type": "input_audio_buffer.cleared"}

    def _create(self, document: Json) -> Iterator[Json | Reply]:
        given = document.get("response")
        params = given if isinstance(given, dict) else {}
        script = self._desk.script(params.get("metadata"))
        if script.status >= 400:
            error = error_of(script.status) | {"event_id": document.get("event_id")}
            yield {"type": "error", "error": error}
            return
        yield self._respond(params)

    def _respond(self, params: Json) -> Reply:
        """A response, beside others where it is not of the conversation."""
        script = self._desk.script(params.get("metadata"))
        alone = params.get("conversation") == "none"
        response_id = self._name("resp_")
        self._active.append(response_id)
        answering = self._answering(response_id, params, script, alone=alone)
        events = self._remembered(answering)
        failure = next(self._wording.lines((_failed(answering),)))
        order = self._desk.order(self._wording.lines(events), script, failure=failure)
        return Reply(order=order, lane=response_id if alone else _CONVERSATION)

    def _answering(self, response_id: str, params: Json, script: Script, *, alone: bool) -> Answering:
        conversation = self._conversation
        turn = compose(conversation.prompt(params), script)
        spoken = conversation.speaks(params) and not turn.calls
        base: Json = {
            "id": response_id,
            "object": "realtime.response",
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": None if alone else conversation.settings["id"].replace("sess_", "conv_"),
            "output_modalities": ["audio"] if spoken else ["text"],
            "metadata": params.get("metadata"),
            "usage": None,
        }
        usage = realtime_usage(turn, script, heard=conversation.heard(params), spoken=len(turn.reply) if spoken else 0)
        return Answering(
            base=base,
            items=_items(self._desk.call({}), turn, spoken=spoken),
            turn=turn,
            spoken=spoken,
            usage=usage,
            in_conversation=not alone,
            cancelled=lambda: response_id in self._cancelled,
        )

    def _remembered(self, answering: Answering) -> Iterator[Json]:
        """The events of a response, whose items the conversation then has."""
        yield from response_events(answering)
        self._active.remove(answering.id)
        self._cancelled.discard(answering.id)
        if answering.in_conversation:
            for item in answering.items:
                self._conversation.add(item)

    def _cancel(self, document: Json) -> Iterator[Json | Reply]:
        wanted = document.get("response_id") or (self._active[-1] if self._active else None)
        if wanted not in self._active:
            yield _error(document, "No active response found.", code="response_cancel_not_active")
            return
        self._cancelled.add(str(wanted))

    def _name(self, prefix: str) -> str:
        return self._desk.call({}).token(f"{prefix}{next(self._numbers)}", 24)


def _items(call: Call, turn: Turn, *, spoken: bool) -> list[Json]:
    if turn.calls:
        return [
            {
                "id": call.token(f"item_{index}", 24),
                "object": "realtime.item",
                "type": "function_call",
                "status": "completed",
                "name": tool.name,
                "call_id": call.token(f"call_{index}", 23),
                "arguments": tool.json,
            }
            for index, tool in enumerate(turn.calls)
        ]
    part = {"type": "output_audio", "transcript": turn.text} if spoken else {"type": "output_text", "text": turn.text}
    item: Json = {"id": call.token("item_", 24), "object": "realtime.item", "type": "message", "role": "assistant"}
    return [item | {"status": "incomplete" if turn.truncated else "completed", "content": [part]}]


def _transcription(item_id: str, said: str, heard: int) -> Iterator[Json]:
    """What the user said, piece by piece and whole, with the usage of the model that understood it."""
    kind, place = "conversation.item.input_audio_transcription", {"item_id": item_id, "content_index": 0}
    tokens = pieces(said)
    for token in tokens:
        yield {"type": f"{kind}.delta", **place, "delta": token}
    details = {"text_tokens": 0, "audio_tokens": heard}
    counts = {"input_tokens": heard, "output_tokens": len(tokens), "total_tokens": heard + len(tokens)}
    usage = {"type": "tokens", **counts, "input_token_details": details}
    yield {"type": f"{kind}.completed", **place, "transcript": said, "usage": usage}


def _failed(answering: Answering) -> Json:
    error = {"type": "server_error", "code": "server_error", "message": "The server had an error."}
    details = {"type": "failed", "error": error}
    return {"type": "response.done", "response": answering.base | {"status": "failed", "status_details": details}}


def _error(document: Json, message: str, *, code: str = "invalid_value", param: str | None = None) -> Json:
    error = error_of(400, code=code, message=message)
    return {"type": "error", "error": error | {"param": param, "event_id": document.get("event_id")}}
