"""Cohere's stream of a message (docs.cohere.com/docs/streaming): events in, the parts of the whole message out."""

from typing import Any

from midwatch_core.model.content import ProviderError
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.cohere.answers import finish_reason, read_usage
from midwatch_core.wire.dialects.cohere.messages import citation_segments
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble

TOOL_PLAN = "/message/tool_plan"
PART_OF_CONTENT = {"text": Part.ASSISTANT, "thinking": Part.REASONING}
# More blocks, calls or citations than any answer has: an index beyond is not one, and must not cost memory.
_MAX_INDEX = 4096


class CohereStream:
    """Reads one streamed message (see `StreamReader`)."""

    __slots__ = ("_assembly", "_blocks", "_trouble")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._trouble = Trouble()
        self._blocks: dict[tuple[int, str], Block] = {}

    def event(self, name: str, data: bytes) -> None:
        """Read one event; `[DONE]` follows the last and says nothing."""
        if data.startswith(b"[DONE]"):
            return
        event = load(data)
        match event["type"]:
            case "content-delta" | "content-start":
                self._content(event["index"], event["delta"]["message"]["content"])
            case "tool-plan-delta":
                if plan := event["delta"]["message"]["tool_plan"]:
                    self._assembly.block(Part.REASONING, TOOL_PLAN).append(plan)
            case "tool-call-start" | "tool-call-delta":
                self._call(event["index"], event["delta"]["message"]["tool_calls"])
            case "citation-start":
                self._citation(event["index"], event["delta"]["message"]["citations"])
            case "message-start":
                self._assembly.id = as_text(event.get("id"))
            case "message-end":
                self._finish(event["delta"])
        if self._trouble.first:
            self._assembly.note(self._trouble.first)

    def end(self) -> None:
        """The terminal event is `message-end`: an end without it is no end."""

    def _content(self, index: int, content: dict[str, Any]) -> None:
        for member, part in PART_OF_CONTENT.items():
            if text := content.get(member):
                block = self._blocks.get((index, member))
                if block is None:
                    block = self._assembly.block(part, content_path(index, member))
                    self._blocks[index, member] = block
                block.append(text)

    def _call(self, index: int, call: dict[str, Any]) -> None:
        function = call.get("function") or {}
        block = self._assembly.tool(call_path(index), as_text(call.get("id")), as_text(function.get("name")))
        if arguments := function.get("arguments"):
            block.append(arguments)

    def _citation(self, index: int, citation: dict[str, Any]) -> None:
        node = Node(None, self._trouble)
        for key in ("message", "citations"):
            node = Node(None, self._trouble, node, key)
        for segment in citation_segments(Node(citation, self._trouble, node, checked_index(index))):
            self._assembly.block(segment.part, segment.path).append(segment.text)

    def _finish(self, delta: dict[str, Any]) -> None:
        usage = Node(delta.get("usage"), self._trouble, Node(None, self._trouble), "usage")
        if read := read_usage(usage):
            self._assembly.report_usage(read)
        raw = as_text(delta.get("finish_reason"))
        self._assembly.finish(finish_reason(raw), raw)
        if error := delta.get("error"):
            self._assembly.fail(ProviderError(type=None, message=as_text(error)))
        self._assembly.complete = True


def content_path(index: object, member: str) -> str:
    """Where a block's text stands in the whole message. Raises ValueError for what is no index."""
    return f"/message/content/{checked_index(index)}/{member}"


def call_path(index: object) -> str:
    """Where a call's arguments stand in the whole message. Raises ValueError for what is no index."""
    return f"/message/tool_calls/{checked_index(index)}/function/arguments"


def checked_index(index: object) -> int:
    """An index as it came. Raises ValueError for what is none."""
    if type(index) is not int or not 0 <= index < _MAX_INDEX:
        raise ValueError(f"{index!r} is no index")
    return index


def as_text(value: object) -> str | None:
    """A string with something in it, or None."""
    return value if type(value) is str and value else None
