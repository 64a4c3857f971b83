"""Cohere's chat, version 2 (docs.cohere.com/reference/chat), streamed and not, with tools, documents and citations."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.cohere import answers as cohere_answers
from midwatch_core.wire.dialects.cohere.map import CohereMap
from midwatch_core.wire.dialects.cohere.messages import document_segments, message_segments, part_of_role, tool_calls
from midwatch_core.wire.dialects.cohere.stream import CohereStream
from midwatch_core.wire.dialects.openai.messages import read_tool_definitions, read_tool_results
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "stream", "messages", "tools", "documents"})


class CohereChat:
    """`POST /v2/chat`. Its answers name no model."""

    id = "cohere.chat"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked; documents stand beside the messages."""
        if not body.is_dict:
            body.wrong("an object")
        definitions = list(read_tool_definitions(body["tools"]))
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            stream=body["stream"].flag(),
            segments=(*(segment for _, segment in definitions), *_request_texts(body)),
            tools=tuple(name for name, _ in definitions if name),
            parameters=parameters(body, beside=_NO_PARAMETERS),
            tool_results=tuple(read_tool_results(body["messages"])),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A message, or an error body."""
        error = cohere_answers.read_error(body, failed=status >= 400)
        if error:
            return Response(id=body["id"].text(), finish_reason=FinishReason.ERROR, error=error)
        raw = body["finish_reason"].text()
        return Response(
            id=body["id"].text(),
            segments=tuple(message_segments(body["message"], Part.ASSISTANT)),
            tool_calls=tuple(tool_calls(body["message"])),
            finish_reason=cohere_answers.finish_reason(raw),
            raw_finish_reason=raw,
            usage=cohere_answers.read_usage(body["usage"]),
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed message."""
        return CohereStream(assembly)

    def stream_map(self) -> CohereMap:
        """Where the texts of one answer stand."""
        return CohereMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """Cohere's error body."""
        return cohere_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """A message that ends in an error."""
        return cohere_answers.refuse_in_stream(refusal)


def _request_texts(body: Node) -> Iterator[Segment]:
    for document in body["documents"]:
        yield from document_segments(document, Part.DOCUMENT)
    for message in body["messages"]:
        if message:
            yield from message_segments(message, part_of_role(message["role"].text()))
