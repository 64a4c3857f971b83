"""Ollama's chat (`POST /api/chat`, docs.ollama.com/api/chat), streamed unless told otherwise."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response, ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.ollama import answers as ollama_answers
from midwatch_core.wire.dialects.ollama.map import OllamaMap
from midwatch_core.wire.dialects.ollama.stream import OllamaStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_ROLES = {
    "system": Part.SYSTEM,
    "user": Part.USER,
    "assistant": Part.ASSISTANT,
    "tool": Part.TOOL_RESULT,
}
_NO_PARAMETERS = frozenset({"model", "stream", "messages", "tools"})


class OllamaChat:
    """A conversation, with tools and thinking. Images are base64 in a field of their own, and no text."""

    id = "ollama.chat"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked."""
        segments: list[Segment] = []
        for tool in body["tools"]:
            segments += _one(tool, Part.TOOL_DEFINITION)
        for message in body["messages"]:
            segments += _message_segments(message, _ROLES.get(message["role"].text() or "", Part.USER))
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            stream=body["stream"].value is not False,
            segments=tuple(segments),
            tools=tuple(name for tool in body["tools"] if (name := tool["function"]["name"].text())),
            parameters=parameters(body, beside=_NO_PARAMETERS),
            tool_results=tuple(_tool_results(body["messages"])),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A whole answer, or an error body."""
        called = tuple(_tool_calls(body["message"]))
        error = ollama_answers.read_error(body)
        reason, raw = ollama_answers.finish_reason(body, called_tools=bool(called))
        return Response(
            model=body["model"].text(),
            segments=tuple(_message_segments(body["message"], Part.ASSISTANT)),
            tool_calls=called,
            finish_reason=FinishReason.ERROR if error else reason,
            raw_finish_reason=raw,
            usage=ollama_answers.read_usage(body),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed answer."""
        return OllamaStream(assembly, content="/message/content", thinking="/message/thinking")

    def stream_map(self) -> OllamaMap:
        """Where the texts of one answer stand."""
        return OllamaMap(content="/message/content", thinking="/message/thinking")

    def refuse(self, refusal: Refusal) -> Answer:
        """Ollama's error body."""
        return ollama_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The error as a line."""
        return ollama_answers.refuse_in_stream(refusal)


def _message_segments(message: Node, part: Part) -> Iterator[Segment]:
    yield from _one(message["content"], part)
    yield from _one(message["thinking"], Part.REASONING)
    for call in message["tool_calls"]:
        yield from _one(call["function"]["arguments"], Part.TOOL_CALL)


def _tool_calls(message: Node) -> Iterator[ToolCall]:
    for call in message["tool_calls"]:
        function = call["function"]
        if name := function["name"].text():
            yield ToolCall(id=call["id"].text(), name=name, path=function["arguments"].path)


def _tool_results(messages: Node) -> Iterator[ToolResult]:
    """What the client's tools brought: told by the tool's name (`tool_name`), and newer ones by the call's id."""
    for message in messages:
        if message.is_dict and message["role"].value == "tool":
            name = message["tool_name"].text() or message["name"].text()
            yield ToolResult(call_id=message["tool_call_id"].text(), name=name, path=message["content"].path)


def _one(node: Node, part: Part) -> Iterator[Segment]:
    if segment := node.segment(part):
        yield segment
