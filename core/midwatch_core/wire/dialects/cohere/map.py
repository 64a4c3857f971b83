"""Cohere's stream of a message for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.cohere.answers import failed_end
from midwatch_core.wire.dialects.cohere.messages import citation_segments
from midwatch_core.wire.dialects.cohere.stream import PART_OF_CONTENT, TOOL_PLAN, call_path, checked_index, content_path
from midwatch_core.wire.editing.found import add_delta, add_whole, placed
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load


class CohereMap:
    """Finds texts in the events of a message (see `StreamMap`)."""

    __slots__ = ("_open", "_started", "_stopped")

    def __init__(self) -> None:
        # What the client has: the message's start, its open content blocks, and its end.
        self._started = False
        self._open: set[int] = set()
        self._stopped = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        if data.startswith(b"[DONE]"):
            return Reading(document=None, closes=[ALL])
        event = load(data)
        found = Reading(document=event)
        kind = event["type"]
        if kind != "tool-plan-delta":
            found.closes.append(TOOL_PLAN)
        match kind:
            case "content-delta" | "content-start":
                self._content(event, found)
            case "content-end":
                found.closes.append(f"/message/content/{event['index']}/")
            case "tool-plan-delta":
                plan = event["delta"]["message"]["tool_plan"]
                add_delta(found, TOOL_PLAN, Part.REASONING, f"/delta{TOOL_PLAN}", plan)
            case "tool-call-start" | "tool-call-delta":
                self._call(event, found)
            case "tool-call-end":
                found.closes.append(f"/message/tool_calls/{event['index']}/")
            case "citation-start":
                self._citation(event, found)
            case "message-end":
                found.closes.append(ALL)
        return found

    def _content(self, event: dict[str, Any], found: Reading) -> None:
        """Log probabilities spell the text out once more."""
        content = event["delta"]["message"]["content"]
        for member, part in PART_OF_CONTENT.items():
            pointer = f"/delta/message/content/{member}"
            add_delta(found, content_path(event["index"], member), part, pointer, content.get(member))
        if event.get("logprobs"):
            found.shadows.append(("/logprobs", None))

    def _call(self, event: dict[str, Any], found: Reading) -> None:
        arguments = (event["delta"]["message"]["tool_calls"].get("function") or {}).get("arguments")
        pointer = "/delta/message/tool_calls/function/arguments"
        add_delta(found, call_path(event["index"]), Part.TOOL_CALL, pointer, arguments, json=True)

    def _citation(self, event: dict[str, Any], found: Reading) -> None:
        """Its own text is a piece of the answer, a text of its own here; its sources quote what the model was given."""
        citation = event["delta"]["message"]["citations"]
        node = placed(citation, "message", "citations", checked_index(event["index"]))
        pointer = "/delta/message/citations"
        if segment := node["text"].segment(Part.ASSISTANT):
            add_whole(found, [segment], node.path, pointer)
        add_whole(found, citation_segments(node), node.path, pointer)

    def sent(self, name: str, document: Any) -> None:
        """Remember what is open on the client's side."""
        match document["type"] if document is not None else "message-end":
            case "message-start":
                self._started = True
            case "content-start":
                self._open.add(document["index"])
            case "content-end":
                self._open.discard(document["index"])
            case "message-end":
                self._stopped = True

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A delta of the same text."""
        ((slot, text),) = texts
        keys = slot.pointer.split("/")[3:]
        message: Json = text
        for key in reversed(keys):
            message = {key: message}
        kind = {"content": "content-delta", "tool_calls": "tool-call-delta"}.get(keys[0], "tool-plan-delta")
        at: dict[str, Json] = {"index": document["index"]} if "index" in document else {}
        return kind, {"type": kind, **at, "delta": {"message": message}}

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """The open blocks' end, and a message that ended in an error.

        A call's arguments are left open: agents start a tool as soon as they end.
        """
        if self._stopped:
            return
        if not self._started:
            message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
            yield _event({"type": "message-start", "id": refusal.request_id, "delta": {"message": message}})
        for index in sorted(self._open):
            yield _event({"type": "content-end", "index": index})
        yield _event(failed_end(refusal))
        yield "", b"[DONE]"


def _event(document: dict[str, Any]) -> tuple[str, bytes]:
    return document["type"], compact(document).encode()
