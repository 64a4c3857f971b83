"""Anthropic's stream of a message for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.anthropic.blocks import all_texts, block_segments
from midwatch_core.wire.dialects.anthropic.stream import MAX_OPEN_BLOCKS, PLACE_OF_BLOCK, PLACE_OF_DELTA, TEXT_OF_DELTA
from midwatch_core.wire.editing.found import add_delta, add_whole, placed
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load

type _Place = tuple[Part, str]

# A delta of ours, by the member of the block that it adds to.
_DELTA_OF_MEMBER = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "input": ("input_json_delta", "partial_json"),
    "content": ("compaction_delta", "content"),
}


class AnthropicMap:
    """Finds texts in the events of a message (see `StreamMap`)."""

    __slots__ = ("_citations", "_kinds", "_message", "_places", "_started", "_stopped", "_usage")

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}
        self._citations: dict[int, int] = {}
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        # What the client has: the message's start, its open blocks by type, and its end.
        self._started = False
        self._kinds: dict[int, str] = {}
        self._stopped = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        event = load(data)
        found = Reading(document=event)
        match event["type"]:
            case "content_block_delta":
                self._delta(event["index"], event["delta"], found)
            case "content_block_start":
                self._start(event["index"], event["content_block"], found)
            case "content_block_stop":
                found.closes.append(f"/content/{event['index']}/")
                self._places.pop(event["index"], None)
            case "message_start":
                self._message = event["message"]
                self._usage |= self._message.get("usage") or {}
            case "message_delta":
                self._finish(event, found)
            case "message_stop" | "error":
                found.closes.append(ALL)
        return found

    def _delta(self, index: int, delta: dict[str, Any], found: Reading) -> None:
        kind = delta["type"]
        if kind == "signature_delta":
            found.closes.append(f"/content/{index}/")
        elif kind == "citations_delta":
            number = self._citations.get(index, 0)
            self._citations[index] = number + 1
            node = placed(delta["citation"], "content", index, "citations", number)
            add_whole(found, all_texts(node, Part.DOCUMENT), node.path, "/delta/citation")
        elif kind in PLACE_OF_DELTA:
            part, member = self._places.get(index) or self._open(index, PLACE_OF_DELTA[kind])
            source = TEXT_OF_DELTA.get(kind, "content")
            json = part is Part.TOOL_CALL
            add_delta(found, f"/content/{index}/{member}", part, f"/delta/{source}", delta[source], json=json)

    def _open(self, index: int, place: _Place) -> _Place:
        if type(index) is not int or len(self._places) >= MAX_OPEN_BLOCKS:
            raise ValueError(f"no block can be at index {index!r}")
        self._places[index] = place
        return place

    def _start(self, index: int, block: dict[str, Any], found: Reading) -> None:
        kind = block["type"]
        if type(index) is not int:
            raise ValueError(f"no block can be at index {index!r}")
        node = placed(block, "content", index)
        if kind in PLACE_OF_BLOCK:
            part, member = self._open(index, PLACE_OF_BLOCK[kind])
            add_delta(found, f"{node.path}/{member}", part, f"/content_block/{member}", block.get(member))
            add_whole(found, all_texts(node["citations"], Part.DOCUMENT), node.path, "/content_block")
            return
        if kind.endswith("tool_use"):
            self._open(index, (Part.TOOL_CALL, "input"))
            if not block.get("input"):
                return
        add_whole(found, block_segments(node, Part.ASSISTANT), node.path, "/content_block")

    def _finish(self, event: dict[str, Any], found: Reading) -> None:
        found.closes.append(ALL)
        self._usage |= {key: value for key, value in (event.get("usage") or {}).items() if value is not None}
        if details := (event.get("delta") or {}).get("stop_details"):
            node = placed(details, "stop_details")
            if segment := node["explanation"].segment(Part.ASSISTANT):
                add_whole(found, [segment], node.path, "/delta/stop_details")

    def sent(self, name: str, document: Any) -> None:
        """Remember what is open on the client's side."""
        match document["type"]:
            case "message_start":
                self._started = True
            case "content_block_start":
                self._kinds[document["index"]] = document["content_block"]["type"]
            case "content_block_stop":
                self._kinds.pop(document["index"], None)
            case "message_stop" | "error":
                self._stopped = True

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A delta of the same block."""
        ((slot, text),) = texts
        kind, member = _DELTA_OF_MEMBER[slot.path.rpartition("/")[2]]
        return "content_block_delta", {
            "type": "content_block_delta",
            "index": document["index"],
            "delta": {"type": kind, member: text},
        }

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """The open blocks' end, `message_delta` with the stop reason `refusal`, `message_stop`.

        A tool's block is left open: agents start a tool as soon as its block stops.
        """
        if self._stopped:
            return
        if not self._started:
            yield _event({"type": "message_start", "message": self._start_of_ours(refusal)})
        for index, kind in sorted(self._kinds.items()):
            if not kind.endswith("tool_use"):
                yield _event({"type": "content_block_stop", "index": index})
        details = {"type": "refusal", "category": None, "explanation": refusal.message}
        tokens = self._usage.get("output_tokens")
        yield _event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details},
                "usage": {"output_tokens": tokens if type(tokens) is int else 0},
                **notice(refusal),
            }
        )
        yield _event({"type": "message_stop"})

    def _start_of_ours(self, refusal: Refusal) -> dict[str, Any]:
        return self._message or {
            "id": refusal.request_id,
            "type": "message",
            "role": "assistant",
            "model": "",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }


def _event(document: dict[str, Any]) -> tuple[str, bytes]:
    return document["type"], compact(document).encode()
