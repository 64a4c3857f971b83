"""Cohere's stream of version 1 for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import MAX_TEXT_BYTES
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.cohere.v1_parts import answer_segments
from midwatch_core.wire.dialects.cohere.v1_stream import TEXT, last_line, parameters_path
from midwatch_core.wire.editing.document import mould
from midwatch_core.wire.editing.found import add_delta, add_whole
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble

_ENVELOPE = ("is_finished", "event_type")
_KEPT = ("index",)
# Lines that have parts of the answer whole, in their own places.
_WHOLE = frozenset({"tool-calls-generation", "search-queries-generation", "search-results", "citation-generation"})


class CohereV1Map:
    """Finds texts in the lines of an answer (see `StreamMap`)."""

    __slots__ = ("_citations", "_id", "_room", "_said", "_stopped")

    def __init__(self) -> None:
        self._citations = 0
        self._id: Json = None
        # What the client has: the text so far, which the last line repeats, and the end.
        self._said: list[str] = []
        self._room = MAX_TEXT_BYTES
        self._stopped = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one line."""
        event = load(data)
        found = Reading(document=event)
        kind = event.get("event_type")
        if kind == "text-generation":
            add_delta(found, TEXT, Part.ASSISTANT, TEXT, event["text"])
        elif kind == "tool-calls-chunk":
            self._chunk(event, found)
        elif kind in _WHOLE:
            found.closes += [TEXT, "/tool_calls/"]
            self._whole(event, found)
        elif kind == "stream-start":
            self._id = event.get("generation_id")
        elif kind == "stream-end":
            found.closes.append(ALL)
            add_whole(found, answer_segments(Node(event.get("response"), Trouble())), "", "/response")
        return found

    def _chunk(self, event: dict[str, Any], found: Reading) -> None:
        delta = event.get("tool_call_delta") or {}
        for pointer, text in (("/tool_call_delta/text", delta.get("text")), (TEXT, event.get("text"))):
            if text:
                add_delta(found, TEXT, Part.ASSISTANT, pointer, text)
                break
        if parameters := delta.get("parameters"):
            path = parameters_path(delta["index"])
            add_delta(found, path, Part.TOOL_CALL, "/tool_call_delta/parameters", parameters, json=True)

    def _whole(self, event: dict[str, Any], found: Reading) -> None:
        """Citations come a few at a time: their places go on counting."""
        citations = event.get("citations") or ()
        before = [None] * self._citations
        self._citations += len(citations)
        placed = Node({**event, "citations": [*before, *citations]}, Trouble())
        for segment in answer_segments(placed):
            pointer = segment.path
            if pointer.startswith("/citations/"):
                pointer = f"/citations/{int(pointer.split('/')[2]) - len(before)}/text"
            add_whole(found, [segment], segment.path, pointer)

    def sent(self, name: str, document: Any) -> None:
        """Remember the text, and the end."""
        kind = document.get("event_type")
        if kind in ("text-generation", "tool-calls-chunk"):
            text = (document.get("tool_call_delta") or {}).get("text") or document.get("text")
            if type(text) is str and len(text) <= self._room:
                self._said.append(text)
                self._room -= len(text)
        self._stopped = self._stopped or kind == "stream-end" or (kind is None and "message" in document)

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A line with only these texts."""
        return "", mould(document, texts, envelope=_ENVELOPE, kept=_KEPT)

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """A last line that says that the answer was held to be toxic: there is no other word for it."""
        if self._stopped:
            return
        answer = {"text": "".join(self._said), "generation_id": self._id}
        yield "", last_line(refusal, finish="ERROR_TOXIC", answer=answer)
