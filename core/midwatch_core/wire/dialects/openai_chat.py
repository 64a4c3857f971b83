"""OpenAI's Chat Completions, and everything compatible with it."""

from collections.abc import Iterator

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects import openai_errors
from midwatch_core.wire.dialects.openai_chat_stream import ChatStreamReader
from midwatch_core.wire.dialects.openai_finish import finish_reason
from midwatch_core.wire.dialects.openai_messages import (
    read_content,
    read_message,
    read_messages,
    read_tool_calls,
    read_tool_definitions,
)
from midwatch_core.wire.dialects.openai_usage import read_chat_usage
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"messages", "model", "stream", "tools", "functions", "prediction", "documents"})


class OpenAIChat:
    """`POST …/chat/completions` (https://platform.openai.com/docs/api-reference/chat), streamed as SSE."""

    id = "openai.chat"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """Azure names the model in its path (capture `model`) and may leave it out of the body."""
        if not body.is_dict:
            body.wrong("an object")
        definitions = [*read_tool_definitions(body["tools"]), *read_tool_definitions(body["functions"])]
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=body["stream"].flag(),
            segments=(*(segment for _, segment in definitions), *_request_texts(body)),
            tools=tuple(name for name, _ in definitions if name),
            parameters=parameters(body, beside=_NO_PARAMETERS),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """All choices' texts; the finish reason is the first choice's that has one."""
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        messages = [choice["message"] for choice in body["choices"]]
        raw = next((raw for choice in body["choices"] if (raw := choice["finish_reason"].text())), None)
        return Response(
            model=body["model"].text() or None,
            id=body["id"].text() or None,
            segments=tuple(segment for message in messages for segment in read_message(message, Part.ASSISTANT)),
            tool_calls=tuple(call for message in messages for call in read_tool_calls(message)),
            finish_reason=finish_reason(raw),
            raw_finish_reason=raw,
            usage=read_chat_usage(body["usage"]),
            service_tier=body["service_tier"].text(),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> ChatStreamReader:
        """A reader for one answer."""
        return ChatStreamReader(assembly)

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `openai_errors.refuse_in_stream`."""
        return openai_errors.refuse_in_stream(refusal)


def _request_texts(body: Node) -> Iterator[Segment]:
    yield from read_messages(body["messages"])
    # vLLM's and SGLang's documents for retrieval; OpenAI's predicted output, which is a text to be edited.
    for document in body["documents"]:
        if segment := document.segment(Part.DOCUMENT):
            yield segment
    if body["prediction"]:
        yield from read_content(body["prediction"]["content"], Part.DOCUMENT)
