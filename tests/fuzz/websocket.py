"""WebSockets to models: any messages of both sides, as a host gives them to the readers, framers and editors.

Input: which dialect, then messages; the first byte of each says who sent it and what the host does (`_DOES`).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.editing.messages import MessageEditor
from midwatch_core.wire.messages import MessageFramer
from midwatch_core.wire.socket import MESSAGES, Heard, Said, SocketDialect
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.wire.editing import realtime_streams
from tests.core.wire.editing.filters import Makes
from tests.core.wire.editing.streams import message, response_events
from tests.fuzz.answers import REFUSAL
from tests.fuzz.pieces import Given

_BETWEEN = b"\x00"
_CLIENT, _REFUSED, _SERVER, _CUT = range(4)
_DOES = (_CLIENT, _CLIENT, _REFUSED, _SERVER, _SERVER, _SERVER, _CUT)
# As many calls as a host would have open, were no answer ever ended.
_MAX_OPEN = 32
_DIALECTS = [dialect for dialect in BUILTIN if isinstance(dialect, SocketDialect)]


def seeds() -> list[bytes]:
    """Conversations: calls and answers one after the other, two at once, and what a client takes back."""
    return [*_written("openai.responses", _RESPONSES), *_written("openai.realtime", _REALTIME)]


def one(data: bytes) -> None:
    """What holds of any messages."""
    given = Given(data)
    socket = _Socket(given.one_of(_DIALECTS))
    for said in given.rest().split(_BETWEEN):
        its = Given(said)
        socket.take(its.one_of(_DOES), its.rest())
    socket.close()


class _Answer:
    """One call's answer, read, framed and edited message by message."""

    def __init__(self, dialect: Dialect) -> None:
        self._framer = MessageFramer()
        self._decoder = ResponseDecoder(
            dialect, status=101, content_type=MESSAGES, content_encoding="", asked_to_stream=True
        )
        self._editor = MessageEditor(dialect, Makes(strict=False))
        self._holding = MessageEditor(dialect, Makes(hold=5, strict=False))

    def take(self, data: bytes) -> None:
        self._decoder.feed(data)
        assert self._framer.feed(data) == ([("", data)] if data else [])
        assert self._editor.feed(data) == [data]
        self._holding.feed(data)

    def cut(self) -> None:
        for each in self._holding.cut(REFUSAL):
            json.loads(each)

    def close(self) -> None:
        assert self._framer.close() == []
        self._decoder.finish(in_order=False)


class _Socket:
    """A host's view of one socket: which calls have begun, and which answer a message is of."""

    def __init__(self, dialect: SocketDialect) -> None:
        self._dialect = dialect
        self._reader = dialect.socket_reader(Target(host="api.openai.com", path="/", method="GET"))
        self._begun = 0
        self._open: dict[int, _Answer] = {}

    def take(self, does: int, data: bytes) -> None:
        if does in (_CLIENT, _REFUSED):
            self._said(self._reader.sent(data))
            if does == _REFUSED:
                self._reader.refused()
        elif does == _SERVER:
            self._heard(self._reader.received(data), data)
        else:
            self._cut()

    def close(self) -> None:
        for answer in self._open.values():
            answer.close()

    def _said(self, said: Said) -> None:
        if said.begins is not None:
            self._begin(self._begun)

    def _heard(self, heard: Heard, data: bytes) -> None:
        if heard.begins is not None:
            assert heard.call == self._begun
            self._begin(self._begun)
        assert heard.call is None or 0 <= heard.call < self._begun
        if heard.call in self._open:
            self._open[heard.call].take(data)

    def _cut(self) -> None:
        for call, answer in self._open.items():
            cancel = self._reader.cancel(call)
            assert cancel is None or json.loads(cancel)
            answer.cut()

    def _begin(self, number: int) -> None:
        self._begun += 1
        if len(self._open) >= _MAX_OPEN:
            self._open.pop(next(iter(self._open))).close()
        self._open[number] = _Answer(self._dialect)


def _written(dialect: str, conversations: Iterable[list[tuple[int, Any]]]) -> Iterator[bytes]:
    number = next(place for place, item in enumerate(_DIALECTS) if item.id == dialect)
    for conversation in conversations:
        messages = [bytes((_DOES.index(does),)) + _bytes(each) for does, each in conversation]
        yield bytes((number,)) + _BETWEEN.join(messages)


def _bytes(each: Any) -> bytes:
    return each if isinstance(each, bytes) else json.dumps(each).encode()


def _server(events: Iterable[Any]) -> list[tuple[int, Any]]:
    return [(_SERVER, event) for event in events]


_ASK = message("response.create", model="gpt-5", input="Hello", instructions="Be brief.")
_STEER = message("response.steer", input=[{"type": "message", "role": "user", "content": "Faster."}])
_RESPONSES: list[list[tuple[int, Any]]] = [
    [(_CLIENT, _ASK), *_server(response_events()), (_CLIENT, _ASK), *_server(response_events())],
    [(_CLIENT, _ASK), *_server(response_events()[:4]), (_CUT, b""), *_server(response_events()[4:])],
    [(_REFUSED, _ASK), (_CLIENT, _ASK), *_server([message("error", status=429, error={"code": "x", "message": "y"})])],
    [
        *((_CLIENT, {**_ASK, "stream_id": lane}) for lane in "ab"),
        *((_SERVER, {**event, "stream_id": lane}) for event in response_events()[:6] for lane in "ab"),
    ],
    [(_CLIENT, _ASK), *_server(response_events()[:3]), (_CLIENT, _STEER), *_server(response_events())],
]
_ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
_SOUND = {**_ITEM, "content": [{"type": "input_audio", "audio": "AAAA"}]}
_OPENED = message("session.created", session={"type": "realtime", "model": "gpt-realtime", "instructions": "Be kind."})
_LISTENING = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
_TURN = [
    (_SERVER, _OPENED),
    (_CLIENT, message("conversation.item.create", item=_ITEM)),
    (_CLIENT, message("response.create", event_id="e1", response={"metadata": {"a": "b"}})),
]
_SAID = realtime_streams.messages(realtime_streams.answering())
_SPOKEN = realtime_streams.messages(realtime_streams.answering(spoken=True, in_conversation=True))
_REALTIME: list[list[tuple[int, Any]]] = [
    [*_TURN, *_server(_SAID), *_TURN[1:], *_server(_SPOKEN)],
    [*_TURN, *_server(realtime_streams.messages(realtime_streams.answering(call=True), beta=True))],
    [*_TURN, *_server(_SAID[:6]), (_CUT, b""), *_server(_SAID[6:])],
    [*_TURN, (_SERVER, message("error", error={"event_id": "e1", "code": "x", "message": "y", "param": None}))],
    [
        (_CLIENT, message("session.update", session=_LISTENING)),
        (_CLIENT, message("input_audio_buffer.append", audio="AAAA")),
        (_SERVER, message("input_audio_buffer.committed", item_id="item_0")),
        *_server(realtime_streams.transcription()),
        *_server(_SPOKEN),
    ],
    [(_REFUSED, message("conversation.item.create", item=_SOUND)), *_TURN[2:], *_server(_SAID)],
]
