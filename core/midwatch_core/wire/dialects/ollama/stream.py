"""Ollama's streams: one JSON object a line, each with a piece of the answer, the last with its counts."""

from typing import Any

from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.ollama.answers import finish_reason, read_error, read_usage
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node, Trouble


class OllamaStream:
    """Reads one streamed answer of chat or generate (see `StreamReader`)."""

    __slots__ = ("_assembly", "_calls", "_content", "_in_message", "_member", "_thinking", "_trouble")

    def __init__(self, assembly: Assembly, *, content: str, thinking: str) -> None:
        """`content` and `thinking` are the paths of the two texts in a whole answer."""
        self._assembly = assembly
        self._trouble = Trouble()
        self._member = content.rpartition("/")[2]
        self._in_message = content.startswith("/message/")
        self._content: Block = assembly.block(Part.ASSISTANT, content)
        self._thinking: Block = assembly.block(Part.REASONING, thinking)
        self._calls = 0

    def event(self, name: str, data: bytes) -> None:
        """Read one line."""
        event = load(data)
        message = event.get("message") if self._in_message else event
        if message:
            if content := message.get(self._member):
                self._content.append(content)
            if thinking := message.get("thinking"):
                self._thinking.append(thinking)
            if calls := message.get("tool_calls"):
                self._read_calls(calls)
        if self._assembly.model is None:
            model = event.get("model")
            self._assembly.model = model if isinstance(model, str) else None
        if event.get("done") is True:
            self._finish(event)
        elif "error" in event:
            self._fail(event)

    def end(self) -> None:
        """The terminal event is the line with `done`: an end without it is no end."""

    def _read_calls(self, calls: list[dict[str, Any]]) -> None:
        """Calls come whole, in one line or several."""
        for call in calls:
            function = call["function"]
            tool_id, name = call.get("id"), function.get("name")
            block = self._assembly.tool(
                f"/message/tool_calls/{self._calls}/function/arguments",
                tool_id if isinstance(tool_id, str) else None,
                name if isinstance(name, str) else None,
            )
            self._calls += 1
            arguments = function.get("arguments")
            block.append(arguments if isinstance(arguments, str) else compact(arguments))

    def _finish(self, event: dict[str, Any]) -> None:
        node = Node(event, self._trouble)
        if usage := read_usage(node):
            self._assembly.report_usage(usage)
        self._assembly.finish(*finish_reason(node, called_tools=self._calls > 0))
        self._assembly.complete = True
        if self._trouble.first:
            self._assembly.note(self._trouble.first)

    def _fail(self, event: dict[str, Any]) -> None:
        if error := read_error(Node(event, self._trouble)):
            self._assembly.fail(error)
            self._assembly.complete = True
