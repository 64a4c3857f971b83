"""The stream of a model that answers with plain text: a piece in each chunk."""

from typing import Any

from midwatch_core.model.segment import Part
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.bedrock.finish import model_reason
from midwatch_core.wire.dialects.bedrock.texts import TextFormat
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node, Trouble


class TextStream:
    """Reads one streamed answer (see `StreamReader`). Some formats count tokens; for others Bedrock's metrics do."""

    __slots__ = ("_asked", "_assembly", "_block", "_calls", "_format")

    def __init__(self, assembly: Assembly, form: TextFormat) -> None:
        self._assembly = assembly
        self._format = form
        self._block: Block = assembly.block(Part.ASSISTANT, form.path())
        self._calls = 0
        self._asked: int | None = None

    def event(self, name: str, data: bytes) -> None:
        """Read one chunk."""
        event = load(data)
        for item in items_of(event, self._format):
            if text := item.get(self._format.event_text):
                self._block.append(text)
            raw = item.get(self._format.event_finish)
            if isinstance(raw, str):
                self._assembly.finish(model_reason(raw), raw)
        for call in called(event):
            self._call(call)
        if self._assembly.id is None and isinstance(made := event.get("generation_id"), str):
            self._assembly.id = made
        if self._format.event_output_tokens in event:
            self._count(Node(event, Trouble()))

    def end(self) -> None:
        """An answer that finished before its transport did is whole."""
        if self._assembly.raw_finish_reason or self._assembly.error:
            self._assembly.complete = True

    def _call(self, call: dict[str, Any]) -> None:
        """Cohere's calls come whole, in one event."""
        name = call.get("name")
        path = f"/tool_calls/{self._calls}/parameters"
        self._calls += 1
        block = self._assembly.tool(path, None, name if isinstance(name, str) else None)
        block.append(compact(call.get("parameters")))

    def _count(self, event: Node) -> None:
        """The input is counted in one event, the output in each."""
        asked, written = event[self._format.input_tokens].whole(), event[self._format.event_output_tokens].whole()
        self._asked = self._asked if asked is None else asked
        if written is not None:
            self._assembly.report_usage(Usage(input_tokens=self._asked, output_tokens=written))


def items_of(event: dict[str, Any], form: TextFormat) -> list[dict[str, Any]]:
    """Where an event has its pieces; what repeats the whole answer at a stream's end has none."""
    if form.event_items:
        return list(event[form.event_items])
    return [event]


def called(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools that an event of Cohere's calls."""
    return list(event.get("tool_calls") or ()) if event.get("event_type") == "tool-calls-generation" else []
