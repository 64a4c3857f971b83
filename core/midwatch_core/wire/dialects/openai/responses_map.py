"""The stream of the Responses API for its editor."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.openai.choice import checked_index
from midwatch_core.wire.dialects.openai.items import read_item
from midwatch_core.wire.dialects.openai.responses_sent import SentItems
from midwatch_core.wire.dialects.openai.responses_stream import DELTAS, LAST
from midwatch_core.wire.editing.found import add_delta, add_whole, placed
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node

# Events that repeat a whole text: the delta events that they close, and the member that has the text.
_DONES = {
    "response.output_text.done": ("response.output_text.delta", "text"),
    "response.refusal.done": ("response.refusal.delta", "refusal"),
    "response.reasoning_text.done": ("response.reasoning_text.delta", "text"),
    "response.reasoning_summary_text.done": ("response.reasoning_summary_text.delta", "text"),
    "response.function_call_arguments.done": ("response.function_call_arguments.delta", "arguments"),
    "response.mcp_call_arguments.done": ("response.mcp_call_arguments.delta", "arguments"),
    "response.custom_tool_call_input.done": ("response.custom_tool_call_input.delta", "input"),
    "response.code_interpreter_call_code.done": ("response.code_interpreter_call_code.delta", "code"),
}
# Parts of a message or a reasoning: what they are a part of, by their events; what they say, by their type.
_PART_EVENTS = {
    "response.content_part.added": ("content", "content_index"),
    "response.content_part.done": ("content", "content_index"),
    "response.reasoning_summary_part.added": ("summary", "summary_index"),
    "response.reasoning_summary_part.done": ("summary", "summary_index"),
}
_PARTS = {
    "output_text": (Part.ASSISTANT, "text"),
    "refusal": (Part.ASSISTANT, "refusal"),
    "reasoning_text": (Part.REASONING, "text"),
    "summary_text": (Part.REASONING, "text"),
}
_NO_SOURCE = frozenset({"input", "code"})
_MAX_METADATA = 512


class ResponsesMap:
    """Finds texts in `response.*` events (see `StreamMap`)."""

    __slots__ = ("_created", "_done", "_items", "_number", "_response")

    # A protocol with the same events has names and places of its own.
    deltas: ClassVar[Mapping[str, tuple[Part, str, str]]] = DELTAS
    dones: ClassVar[Mapping[str, tuple[str, str]]] = _DONES
    parts: ClassVar[Mapping[str, tuple[Part, str]]] = _PARTS
    last: ClassVar[AbstractSet[str]] = LAST

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        # What the client has: the response's beginning, its items, the last sequence number, and its end.
        self._created = False
        self._items = SentItems()
        self._number = -1
        self._done = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        if data.startswith(b"[DONE]"):
            return Reading(document=None, closes=[ALL])
        event = load(data)
        kind = event.get("type") or name
        found = Reading(document=event | {"type": kind})
        if kind in self.deltas:
            path, part = self._place(kind, event)
            add_delta(found, path, part, "/delta", event["delta"], json=_is_source(part, path))
            _shadow(found, event, "/logprobs")
        elif kind in self.dones:
            self._whole(*self.dones[kind], event, found)
        elif kind in _PART_EVENTS:
            self._part(kind, event, found)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            index = checked_index(event["output_index"])
            self._item(found, event["item"], index, "/item")
            if kind.endswith("done"):
                found.closes.append(f"/output/{index}/")
        elif kind in self.last or kind in ("response.created", "response.in_progress", "response.queued"):
            self._lifecycle(kind, event, found)
        elif kind == "error" or event.get("error"):
            found.closes.append(ALL)
        return found

    def _whole(self, delta: str, member: str, event: dict[str, Any], found: Reading) -> None:
        path, part = self._place(delta, event)
        found.closes.append(path)
        if type(text := event.get(member)) is str and text:
            slot = Slot(path=path, part=part, pointer=f"/{member}", text=text, whole=True, json=_is_source(part, path))
            found.slots.append(slot)
        _shadow(found, event, "/logprobs")

    def _part(self, kind: str, event: dict[str, Any], found: Reading) -> None:
        place, field = _PART_EVENTS[kind]
        base = f"/output/{checked_index(event['output_index'])}/{place}/{checked_index(event.get(field, 0))}"
        if kind.endswith("done"):
            found.closes.append(f"{base}/")
        said = self.parts.get(event["part"].get("type"))
        if said and type(text := event["part"].get(said[1])) is str and text:
            pointer = f"/part/{said[1]}"
            found.slots.append(Slot(path=f"{base}/{said[1]}", part=said[0], pointer=pointer, text=text, whole=True))
        _shadow(found, event["part"], "/part/logprobs")

    def _lifecycle(self, kind: str, event: dict[str, Any], found: Reading) -> None:
        """The whole response: empty at its beginning, all of it at its end."""
        response = event["response"]
        for index, item in enumerate(response.get("output") or ()):
            self._item(found, item, index, f"/response/output/{index}")
        self._response = response
        if response.get("output_text"):  # compatible servers' joined texts
            found.shadows.append(("/response/output_text", ""))
        if kind in self.last:
            found.closes.append(ALL)

    def sent(self, name: str, document: Any) -> None:
        """Remember what the client has."""
        if document is None:
            self._done = True
            return
        number = document.get("sequence_number")
        self._number = number if type(number) is int else self._number
        kind = document.get("type") or name
        if kind in self.deltas:
            self._items.add(document["output_index"], self._place(kind, document)[0], document["delta"])
        elif kind in self.dones:
            delta, member = self.dones[kind]
            self._items.set(document["output_index"], self._place(delta, document)[0], document.get(member))
        elif kind in _PART_EVENTS:
            self._items.part(document, *_PART_EVENTS[kind], done=kind.endswith("done"))
        elif kind == "response.output_item.added":
            self._items.begin(document["output_index"], document["item"])
        elif kind == "response.output_item.done":
            self._items.finish(document["output_index"], document["item"])
        elif kind == "response.created":
            self._created = True
        elif kind in self.last or kind == "error":
            self._done = True

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """The last delta event with another delta, numbered like the event that went out last."""
        ((_, text),) = texts
        event = {key: value for key, value in document.items() if key != "obfuscation"} | {"delta": text}
        if "logprobs" in event:
            event["logprobs"] = []
        if "sequence_number" in event:
            event["sequence_number"] = self._number
        return event["type"], event

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """The end of the texts and items that are open, with what was sent of them; `response.incomplete`.

        A call that is open has no end: agents carry one out at its `output_item.done`.
        """
        if self._done:
            return
        response = self._response or {"id": refusal.request_id, "object": "response", "created_at": 0, "model": ""}
        if not self._created:
            begun = response | {"status": "in_progress", "output": []}
            yield self._event({"type": "response.created", "response": begun})
        for event in self._items.endings():
            yield self._event(event)
        yield self._event(self._ending(response, refusal))

    def _ending(self, response: dict[str, Any], refusal: Refusal) -> dict[str, Any]:
        return {"type": "response.incomplete", "response": self._incomplete(response, refusal)}

    def _incomplete(self, response: dict[str, Any], refusal: Refusal) -> dict[str, Any]:
        ours = {
            "midwatch_request_id": refusal.request_id,
            "midwatch_code": refusal.code,
            "midwatch_message": refusal.message[:_MAX_METADATA],
        }
        metadata = response.get("metadata")
        return {
            **{key: value for key, value in response.items() if key != "output_text"},
            "status": "incomplete",
            "error": None,
            "incomplete_details": {"reason": "content_filter"},
            "output": self._items.output(),
            "metadata": {**(metadata if isinstance(metadata, dict) else {}), **ours},
            **notice(refusal),
        }

    def _event(self, event: dict[str, Any]) -> tuple[str, bytes]:
        self._number += 1
        return event["type"], compact({**event, "sequence_number": self._number}).encode()

    def _place(self, kind: str, event: dict[str, Any]) -> tuple[str, Part]:
        part, field, place = self.deltas[kind]
        index = checked_index(event.get(field, 0)) if field else 0
        return f"/output/{checked_index(event['output_index'])}/{place.format(index)}", part

    def _item(self, found: Reading, item: Any, index: int, pointer: str) -> None:
        node = placed(item, "output", index)
        add_whole(found, self._read_texts(node), node.path, pointer, sources="arguments")
        contents: Iterable[Any] = item.get("content") or ()
        for number, part in enumerate(contents):
            if type(part) is dict:
                _shadow(found, part, f"{pointer}/content/{number}/logprobs")

    def _read_texts(self, item: Node) -> Iterable[Segment]:
        return read_item(item, Part.ASSISTANT)


def _is_source(part: Part, path: str) -> bool:
    return part is Part.TOOL_CALL and path.rpartition("/")[2] not in _NO_SOURCE


def _shadow(found: Reading, holder: dict[str, Any], pointer: str) -> None:
    """Log probabilities spell the text out, token by token."""
    if holder.get("logprobs"):
        found.shadows.append((pointer, []))
