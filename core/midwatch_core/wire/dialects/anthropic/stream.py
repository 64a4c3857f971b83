"""Anthropic's stream of a message: events in, the same blocks out as the unstreamed message would have."""

from typing import Any

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.anthropic.blocks import all_texts, block_segments
from midwatch_core.wire.dialects.anthropic.usage import read_service_tier, read_usage
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node, Trouble

FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "compaction": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
}
# The member of a delta that holds its text, which is also the block's, but for arguments.
TEXT_OF_DELTA = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
PLACE_OF_DELTA = {
    "text_delta": (Part.ASSISTANT, "text"),
    "thinking_delta": (Part.REASONING, "thinking"),
    "input_json_delta": (Part.TOOL_CALL, "input"),
    "compaction_delta": (Part.ASSISTANT, "content"),
}
PLACE_OF_BLOCK = {
    "text": (Part.ASSISTANT, "text"),
    "thinking": (Part.REASONING, "thinking"),
    "compaction": (Part.ASSISTANT, "content"),
}
# Far more than any message has; a stream that opens more is not a message.
MAX_OPEN_BLOCKS = 4096


class AnthropicStream:
    """Reads one streamed message (see `StreamReader`)."""

    __slots__ = ("_assembly", "_citations", "_inputs", "_open", "_trouble", "_usage")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._trouble = Trouble()
        self._open: dict[int, Block] = {}
        # Tool calls under way: the input at their start, which holds only where no delta follows.
        self._inputs: dict[int, str] = {}
        self._citations: dict[int, int] = {}
        self._usage: dict[str, Any] = {}

    def event(self, name: str, data: bytes) -> None:
        """Read one event. A text's delta, nearly every event there is, takes the short way."""
        event = load(data)
        kind = event["type"]
        if kind != "content_block_delta":
            self._structure(kind, event)
            return
        delta = event["delta"]
        member = TEXT_OF_DELTA.get(delta["type"])
        block = self._open.get(event["index"])
        if member is None or block is None:
            self._rare_delta(event["index"], delta)
        else:
            block.append(delta[member])

    def end(self) -> None:
        """The terminal event is `message_stop`: an end without it is no end."""

    def _structure(self, kind: str, event: dict[str, Any]) -> None:
        match kind:
            case "content_block_start":
                self._start_block(event["index"], event["content_block"])
            case "content_block_stop":
                self._stop_block(event["index"])
            case "message_start":
                self._start_message(event["message"])
            case "message_delta":
                self._finish_message(event)
            case "message_stop":
                self._assembly.complete = True
            case "error":
                self._fail(event)
        if self._trouble.first:
            self._assembly.note(self._trouble.first)

    def _start_message(self, message: dict[str, Any]) -> None:
        self._assembly.id = _string(message.get("id"))
        self._assembly.model = _string(message.get("model"))
        self._report_usage(message.get("usage"))

    def _start_block(self, index: int, block: dict[str, Any]) -> None:
        kind = block["type"]
        if place := PLACE_OF_BLOCK.get(kind):
            text = block.get(place[1])
            opened = self._open_block(index, *place)
            if text:
                opened.append(text)
            self._read_whole(all_texts(self._node(block.get("citations"), index, "citations"), Part.DOCUMENT))
        elif kind.endswith("tool_use"):
            opened = self._open_block(index, Part.TOOL_CALL, "input")
            opened.is_json = True
            self._assembly.tool(opened.path, _string(block.get("id")), _string(block.get("name")))
            self._inputs[index] = compact(block.get("input"))
        else:
            self._read_whole(block_segments(self._node(block, index), Part.ASSISTANT))

    def _open_block(self, index: int, part: Part, member: str) -> Block:
        if type(index) is not int or len(self._open) >= MAX_OPEN_BLOCKS:
            raise ValueError(f"no block can be at index {index!r}")
        block = self._open[index] = self._assembly.block(part, f"/content/{index}/{member}")
        return block

    def _stop_block(self, index: int) -> None:
        block = self._open.pop(index, None)
        whole = self._inputs.pop(index, "")
        if block and whole and whole != "null" and block.is_empty:
            block.append(whole)

    def _rare_delta(self, index: int, delta: dict[str, Any]) -> None:
        """Citations, a compaction's summary, and texts of a block whose start never came."""
        kind = delta["type"]
        if kind == "citations_delta":
            number = self._citations.get(index, 0)
            if number < MAX_OPEN_BLOCKS:
                self._citations[index] = number + 1
                citation = self._node(delta["citation"], index, "citations", number)
                self._read_whole(all_texts(citation, Part.DOCUMENT))
        elif place := PLACE_OF_DELTA.get(kind):
            text = delta[TEXT_OF_DELTA.get(kind, "content")]
            if text:
                (self._open.get(index) or self._open_block(index, *place)).append(text)

    def _finish_message(self, event: dict[str, Any]) -> None:
        delta = event.get("delta") or {}
        self._report_usage(event.get("usage"))
        if details := delta.get("stop_details"):
            node = Node(details, self._trouble, Node(None, self._trouble), "stop_details")
            self._read_whole(iter(filter(None, [node["explanation"].segment(Part.ASSISTANT)])))
        if reason := _string(delta.get("stop_reason")):
            self._assembly.finish(FINISH_REASONS.get(reason, FinishReason.OTHER), reason)

    def _report_usage(self, usage: dict[str, Any] | None) -> None:
        """Counts are cumulative; what a later report leaves out, or (compatible vendors) sets to zero, still holds."""
        if not usage:
            return
        for key, value in usage.items():
            known = self._usage.get(key)
            if value is not None and not (type(value) is type(known) is int and value < known):
                self._usage[key] = value
        node = Node(self._usage, self._trouble, Node(None, self._trouble), "usage")
        self._assembly.service_tier = read_service_tier(node)
        if read := read_usage(node):
            self._assembly.report_usage(read)

    def _fail(self, event: dict[str, Any]) -> None:
        error = event.get("error") or {}
        self._assembly.fail(ProviderError(type=_string(error.get("type")), message=_string(error.get("message"))))
        self._assembly.complete = True  # clients raise at this event and read no further

    def _node(self, value: Any, *keys: str | int) -> Node:
        """`value` in its place in the unstreamed message, below `/content`."""
        node = Node(None, self._trouble, Node(None, self._trouble), "content")
        for key in keys[:-1]:
            node = Node(None, self._trouble, node, key)
        return Node(value, self._trouble, node, keys[-1])

    def _read_whole(self, segments: Any) -> None:
        for segment in segments:
            self._assembly.block(segment.part, segment.path).append(segment.text)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
