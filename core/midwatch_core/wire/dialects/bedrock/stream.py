"""The stream of Converse: events in, the same blocks out as the unstreamed answer would have."""

from typing import Any

from midwatch_core.model.content import ProviderError
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.bedrock.blocks import citation_segments
from midwatch_core.wire.dialects.bedrock.errors import is_failure, read_error
from midwatch_core.wire.dialects.bedrock.finish import converse_reason
from midwatch_core.wire.dialects.bedrock.usage import read_usage
from midwatch_core.wire.editing.found import placed
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node, Trouble

CONTENT = "/output/message/content"
# Far more than any answer has; a stream with more blocks is none.
MAX_BLOCKS = 4096


class ConverseStream:
    """Reads one streamed answer (see `StreamReader`); `wrapped` where each event is a member named for its type.

    Amazon Nova's own format, in the chunks of an invocation, is the same events so wrapped.
    """

    __slots__ = ("_assembly", "_blocks", "_numbers", "_texts", "_trouble", "_wrapped")

    def __init__(self, assembly: Assembly, *, wrapped: bool = False) -> None:
        self._assembly = assembly
        self._wrapped = wrapped
        self._trouble = Trouble()
        # The blocks that grow, by what identifies them in a delta: its index and the kind of text.
        self._blocks: dict[tuple[int, str], Block] = {}
        # Those of them that are the answer's own words, by index alone.
        self._texts: dict[int, Block] = {}
        # How many citations, and how many JSON results, a block has.
        self._numbers: dict[tuple[int, str], int] = {}

    def event(self, name: str, data: bytes) -> None:
        """Read one event. A text's delta, nearly every event there is, takes the short way."""
        event = load(data)
        if self._wrapped:
            for kind, value in event.items():
                self._event(kind, value)
        elif name != "contentBlockDelta" or not self._more(event["contentBlockIndex"], event["delta"]):
            self._event(name, event)

    def end(self) -> None:
        """The last event is `metadata`; an answer that finished or failed before its transport did is whole too."""
        if self._assembly.raw_finish_reason or self._assembly.error:
            self._assembly.complete = True

    def _event(self, name: str, event: Any) -> None:
        if name == "contentBlockDelta":
            self._delta(checked_index(event["contentBlockIndex"]), event["delta"])
        elif name == "contentBlockStart":
            self._start(checked_index(event["contentBlockIndex"]), event["start"])
        elif name == "messageStop":
            raw = _string(event["stopReason"])
            self._assembly.finish(converse_reason(raw), raw)
        elif name == "metadata":
            self._metadata(event)
        elif is_failure(name):
            self.fail(name, event)

    def fail(self, name: str, event: Any) -> None:
        """The provider broke the answer off."""
        said = read_error(Node(event, self._trouble))
        self._assembly.fail(ProviderError(type=name, message=said.message if said else None))
        self._assembly.complete = True  # clients raise at this event and read no further

    def _more(self, index: object, delta: dict[str, Any]) -> bool:
        """Whether this is nothing but more of a text that has begun; then it was taken."""
        block = self._texts.get(index) if type(index) is int else None
        if block is None or len(delta) != 1 or "text" not in delta:
            return False
        block.append(delta["text"])
        return True

    def _delta(self, index: int, delta: dict[str, Any]) -> None:
        for kind, value in delta.items():
            if kind == "text":
                block = self._texts[index] = self._block(index, Part.ASSISTANT, "text")
                block.append(value)
            elif kind == "toolUse":
                self._tool(index).append(value["input"])
            elif kind == "reasoningContent":
                if text := value.get("text"):
                    self._block(index, Part.REASONING, "reasoningContent/reasoningText/text").append(text)
            elif kind == "toolResult":
                for item in value:
                    self._result(index, item)
            elif kind == "citation":
                self._citation(index, value)

    def _start(self, index: int, start: dict[str, Any]) -> None:
        if call := start.get("toolUse"):
            block = self._tool(index)
            self._assembly.tool(block.path, _string(call.get("toolUseId")), _string(call.get("name")))

    def _tool(self, index: int) -> Block:
        block = self._block(index, Part.TOOL_CALL, "toolUse/input")
        block.is_json = True
        return block

    def _result(self, index: int, item: dict[str, Any]) -> None:
        """What a tool of the provider's own gave: text in pieces, JSON whole."""
        if text := item.get("text"):
            self._block(index, Part.TOOL_RESULT, "toolResult/content/0/text").append(text)
        if "json" in item:
            number = self._number(index, "json")
            self._block(index, Part.TOOL_RESULT, f"toolResult/content/{number}/json").append(compact(item["json"]))

    def _citation(self, index: int, citation: dict[str, Any]) -> None:
        number = self._number(index, "citation")
        place = placed(citation, *citation_place(index, number))
        for segment in citation_segments(place):
            self._assembly.block(segment.part, segment.path).append(segment.text)

    def _number(self, index: int, kind: str) -> int:
        number = self._numbers.get((index, kind), 0)
        if number >= MAX_BLOCKS:
            raise ValueError(f"block {index} has more than {MAX_BLOCKS} parts")
        self._numbers[index, kind] = number + 1
        return number

    def _block(self, index: int, part: Part, place: str) -> Block:
        block = self._blocks.get((index, place))
        if block is None:
            block = self._assembly.block(part, f"{CONTENT}/{index}/{place}")
            if len(self._blocks) < MAX_BLOCKS:
                self._blocks[index, place] = block
        return block

    def _metadata(self, event: dict[str, Any]) -> None:
        node = Node(event, self._trouble)
        if usage := read_usage(node["usage"]):
            self._assembly.report_usage(usage)
        self._assembly.service_tier = node["serviceTier"]["type"].text()
        self._assembly.model = node["trace"]["promptRouter"]["invokedModelId"].text()
        self._assembly.complete = True
        if self._trouble.first:
            self._assembly.note(self._trouble.first)


def checked_index(index: object) -> int:
    """The index of a block. Raises ValueError for what can be none."""
    if type(index) is not int or not 0 <= index < MAX_BLOCKS:
        raise ValueError(f"no block can be at index {index!r}")
    return index


def citation_place(index: int, number: int) -> tuple[str | int, ...]:
    """Where a block's citation stands in the unstreamed answer, by the keys on the way."""
    return "output", "message", "content", index, "citationsContent", "citations", number


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
