"""Cohere's chat, version 1 (docs.cohere.com/v1/reference/chat): one message, the talk before it, JSON lines back."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response, ToolResult
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.cohere import answers as cohere_answers
from midwatch_core.wire.dialects.cohere.v1_map import CohereV1Map
from midwatch_core.wire.dialects.cohere.v1_parts import answer_segments, request_segments, tool_calls
from midwatch_core.wire.dialects.cohere.v1_stream import CohereV1Stream, refuse_in_stream
from midwatch_core.wire.dialects.openai.messages import read_tool_definitions
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# `connectors` may hold their credentials.
_NO_PARAMETERS = frozenset(
    {
        "model",
        "stream",
        "message",
        "chat_history",
        "preamble",
        "documents",
        "tools",
        "tool_results",
        "connectors",
        "conversation_id",
    }
)


class CohereV1Chat:
    """`POST /v1/chat`. Its answers name no model."""

    id = "cohere.chat_v1"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked."""
        definitions = list(read_tool_definitions(body["tools"]))
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            stream=body["stream"].flag(),
            segments=(*(segment for _, segment in definitions), *request_segments(body)),
            tools=tuple(name for name, _ in definitions if name),
            parameters=parameters(body, beside=_NO_PARAMETERS),
            conversation_id=body["conversation_id"].text() or None,
            tool_results=tuple(_tool_results(body)),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """An answer, or an error body."""
        error = cohere_answers.read_error(body, failed=status >= 400)
        if error:
            return Response(finish_reason=FinishReason.ERROR, error=error)
        raw = body["finish_reason"].text()
        called = tuple(tool_calls(body))
        return Response(
            id=body["generation_id"].text(),
            segments=tuple(answer_segments(body)),
            tool_calls=called,
            finish_reason=cohere_answers.finish_reason("TOOL_CALL" if called and raw == "COMPLETE" else raw),
            raw_finish_reason=raw,
            usage=cohere_answers.read_usage(body["meta"]),
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed answer."""
        return CohereV1Stream(assembly)

    def stream_map(self) -> CohereV1Map:
        """Where the texts of one answer stand."""
        return CohereV1Map()

    def refuse(self, refusal: Refusal) -> Answer:
        """Cohere's error body."""
        return cohere_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """A last line that ends in an error."""
        return refuse_in_stream(refusal)


def _tool_results(body: Node) -> Iterator[ToolResult]:
    """A result has the call it answers inside it, which is told by the tool's name alone."""
    for turn in body["chat_history"]:
        yield from _results(turn["tool_results"])
    yield from _results(body["tool_results"])


def _results(results: Node) -> Iterator[ToolResult]:
    for result in results:
        yield ToolResult(call_id=None, name=result["call"]["name"].text(), path=result["outputs"].path)
