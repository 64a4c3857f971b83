"""The stream of a transcript for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.editing.found import add_delta
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load

_DELTA, _DONE, _PASSAGE = "transcript.text.delta", "transcript.text.done", "transcript.text.segment"
_TEXT = "/text"
# More than any transcript has: what a client is told again at its end goes no further.
_MOST_EVENTS = 100_000


class TranscriptMap:
    """Finds texts in `transcript.text.*` events (see `StreamMap`)."""

    __slots__ = ("_done", "_passages", "_said")

    def __init__(self) -> None:
        self._said: list[str] = []
        self._passages = 0
        self._done = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        if data.startswith(b"[DONE]"):
            return Reading(document=None, closes=[ALL])
        event = load(data)
        kind = event.get("type") or name
        found = Reading(document=event)
        if kind == _DELTA:
            add_delta(found, _TEXT, Part.ASSISTANT, "/delta", event["delta"])
        elif kind in (_DONE, _PASSAGE):
            path = _TEXT if kind == _DONE else f"/segments/{self._passages}/text"
            self._passages += kind == _PASSAGE
            if type(text := event["text"]) is str and text:
                found.slots.append(Slot(path=path, part=Part.ASSISTANT, pointer="/text", text=text, whole=True))
        if event.get("logprobs"):  # they spell the text out
            found.shadows.append(("/logprobs", []))
        if kind == _DONE or event.get("error"):
            found.closes.append(ALL)
        return found

    def sent(self, name: str, document: Any) -> None:
        """Remember what the client has."""
        kind = None if document is None else document.get("type") or name
        if kind == _DELTA:
            if len(self._said) < _MOST_EVENTS:
                self._said.append(document["delta"])
        elif document is None or kind == _DONE or document.get("error"):
            self._done = True

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """The last delta event with another delta."""
        ((_, text),) = texts
        event = {key: value for key, value in document.items() if key != "logprobs"} | {"delta": text}
        return "", event

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """The transcript ends with what was sent of it; the reason is ours to give, OpenAI gives none."""
        if not self._done:
            end: Json = {
                "type": _DONE,
                "text": "".join(self._said),
                "finish_reason": "content_filter",
                **notice(refusal),
            }
            yield "", compact(end).encode()
