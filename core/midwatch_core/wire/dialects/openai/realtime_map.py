"""One answer of the Realtime protocol for its editor. Sound passes as it is: only what is written can be edited."""

from collections.abc import Iterable, Iterator
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.openai.realtime_items import read_realtime_item
from midwatch_core.wire.dialects.openai.realtime_stream import (
    DELTAS,
    LAST,
    TOLD_AGAIN,
    TRANSCRIPTION,
    transcript_path,
)
from midwatch_core.wire.dialects.openai.responses_map import ResponsesMap
from midwatch_core.wire.dialects.openai.responses_sent import SentItems
from midwatch_core.wire.editing.found import add_delta
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node

# Events that repeat a whole text: the delta events that they close, and the member that has the text.
_DONES = {
    "response.output_text.done": ("response.output_text.delta", "text"),
    "response.text.done": ("response.text.delta", "text"),
    "response.output_audio_transcript.done": ("response.output_audio_transcript.delta", "transcript"),
    "response.audio_transcript.done": ("response.audio_transcript.delta", "transcript"),
    "response.function_call_arguments.done": ("response.function_call_arguments.delta", "arguments"),
    "response.mcp_call_arguments.done": ("response.mcp_call_arguments.delta", "arguments"),
}
_PARTS = {
    "text": (Part.ASSISTANT, "text"),
    "output_text": (Part.ASSISTANT, "text"),
    "audio": (Part.ASSISTANT, "transcript"),
    "output_audio": (Part.ASSISTANT, "transcript"),
}
# What the client is told of a part that we end, in today's words and in the beta's.
_TEXT_DONE = ("response.output_text.done", "text")
_TRANSCRIPT_DONE = ("response.output_audio_transcript.done", "transcript")
_DONE_EVENTS = {
    "text": _TEXT_DONE,
    "output_text": _TEXT_DONE,
    "audio": _TRANSCRIPT_DONE,
    "output_audio": _TRANSCRIPT_DONE,
}
# More items than any answer has.
_MAX_ITEMS = 1024
_IN_ITEMS = {"text": "output_text", "audio": "output_audio"}
_BETA = {
    "response.output_text.done": "response.text.done",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
_BETA_DELTAS = frozenset({"response.text.delta", "response.audio_transcript.delta"})


class RealtimeMap(ResponsesMap):
    """Finds texts in one response's events, or in those of one transcription (see `StreamMap`)."""

    __slots__ = ("_beta", "_places", "_transcribed")

    deltas = DELTAS
    dones = _DONES
    parts = _PARTS
    last = LAST

    def __init__(self) -> None:
        super().__init__()
        self._items = SentItems(_DONE_EVENTS)
        self._beta = False
        # The item that is transcribed; None for a response.
        self._transcribed: Json = None
        # Where the items of the response stand in it, by their ids.
        self._places: dict[Any, int] = {}

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        if b'"conversation.item.' not in data:
            return self._read_response(name, data)
        event = load(data)
        kind = event.get("type") or ""
        if kind.startswith(TRANSCRIPTION):
            return self._read_transcription(kind, event)
        if kind not in TOLD_AGAIN:
            return self._read_response(name, data)
        found = Reading(document=event)
        if (index := self._places.get(event["item"].get("id"))) is not None:
            self._item(found, event["item"], index, "/item")
        return found

    def _read_response(self, name: str, data: bytes) -> Reading:
        found = super().read(name, data)
        event = found.document
        if event is not None and event.get("type") == "response.output_item.added" and len(self._places) < _MAX_ITEMS:
            self._places[event["item"].get("id")] = event["output_index"]
        return found

    def _read_transcription(self, kind: str, event: dict[str, Any]) -> Reading:
        self._transcribed = event["item_id"]
        found = Reading(document=event)
        if kind.endswith(".delta"):
            add_delta(found, transcript_path(event), Part.ASSISTANT, "/delta", event.get("delta"))
        else:
            self._whole_transcript(event, found)
        if event.get("logprobs"):
            found.shadows.append(("/logprobs", []))
        return found

    def _whole_transcript(self, event: dict[str, Any], found: Reading) -> None:
        """`completed`, and the pieces by speaker that come before it."""
        member = "transcript" if "transcript" in event else "text"
        text = event.get(member)
        if type(text) is str and text:
            path = transcript_path(event) if member == "transcript" else f"/segments/{event['id']}/text"
            found.slots.append(Slot(path=path, part=Part.ASSISTANT, pointer=f"/{member}", text=text, whole=True))
        if member == "transcript" or event.get("error"):
            found.closes.append(ALL)

    def sent(self, name: str, document: Any) -> None:
        """Remember what the client has."""
        kind = (document or {}).get("type") or name
        if kind.startswith(TRANSCRIPTION):
            self._done = self._done or kind.endswith((".completed", ".failed"))
            return
        self._beta = self._beta or kind in _BETA_DELTAS
        super().sent(name, document)

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """As in the Responses API, with `response.done`; a transcription ends as failed."""
        if self._transcribed is None:
            yield from super().end(refusal)
        elif not self._done:
            error = {"type": "content_filter", "code": refusal.code, "message": refusal.message, "param": None}
            where = {"item_id": self._transcribed, "content_index": 0}
            yield self._event({"type": TRANSCRIPTION + "failed", **where, "error": error})

    def _ending(self, response: dict[str, Any], refusal: Refusal) -> dict[str, Any]:
        cut = {
            **response,
            "status": "incomplete",
            "status_details": {"type": "incomplete", "reason": "content_filter"},
            "output": [self._item_of(item) for item in self._items.output()],
            **notice(refusal),
        }
        return {"type": "response.done", "response": cut}

    def _event(self, event: dict[str, Any]) -> tuple[str, bytes]:
        self._number += 1
        kind = event["type"]
        if self._beta:
            kind = _BETA.get(kind, kind)
        ours: dict[str, Any] = {"event_id": f"event_midwatch_{self._number}"}
        if "item" in event:
            ours["item"] = self._item_of(event["item"])
        if "response" not in event and self._transcribed is None:
            ours["response_id"] = self._response.get("id") or ""
        return kind, compact({**event, "type": kind, **ours}).encode()

    def _item_of(self, item: dict[str, Any]) -> dict[str, Any]:
        """An item put together from its parts: these are of other types in an item than in events of their own."""
        if self._beta or not isinstance(item.get("content"), list):
            return item
        return {**item, "content": [_part_of_item(part) for part in item["content"]]}

    def _read_texts(self, item: Node) -> Iterable[Segment]:
        return read_realtime_item(item, Part.ASSISTANT)


def _part_of_item(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    return {**part, "type": _IN_ITEMS[kind]} if isinstance(kind, str) and kind in _IN_ITEMS else part
