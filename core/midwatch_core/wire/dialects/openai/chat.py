"""OpenAI's Chat Completions, and everything compatible with it."""

from collections.abc import Iterator

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.answer import read_answer
from midwatch_core.wire.dialects.openai.chat_map import ChatMap
from midwatch_core.wire.dialects.openai.chat_stream import ChatStreamReader
from midwatch_core.wire.dialects.openai.messages import (
    read_all_tool_definitions,
    read_content,
    read_messages,
    read_tool_results,
)
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"messages", "model", "stream", "tools", "functions", "prediction", "documents"})
_BESIDE_MESSAGES = frozenset({"documents", "prediction"})


class OpenAIChat:
    """`POST …/chat/completions` (https://platform.openai.com/docs/api-reference/chat), streamed as SSE."""

    id = "openai.chat"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """Azure names the model in its path (capture `model`) and may leave it out of the body."""
        if not body.is_dict:
            body.wrong("an object")
        definitions = read_all_tool_definitions(body)
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=body["stream"].flag(),
            segments=(*(segment for _, segment in definitions), *request_texts(body)),
            tools=tuple(name for name, _ in definitions if name),
            parameters=parameters(body, beside=_BESIDE),
            tool_results=tuple(read_tool_results(body["messages"])),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """See `openai_answer.read_answer`."""
        return read_answer(body, status)

    def stream_reader(self, assembly: Assembly) -> ChatStreamReader:
        """A reader for one answer."""
        return ChatStreamReader(assembly)

    def stream_map(self) -> ChatMap:
        """Where the texts of one answer stand."""
        return ChatMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `openai_errors.refuse_in_stream`."""
        return openai_errors.refuse_in_stream(refusal)


def request_texts(body: Node) -> Iterator[Segment]:
    """Every text of a request but its tools' definitions."""
    yield from read_messages(body["messages"])
    if body.lacks(_BESIDE_MESSAGES):
        return
    # vLLM's and SGLang's documents for retrieval; OpenAI's predicted output, which is a text to be edited.
    for document in body["documents"]:
        if segment := document.segment(Part.DOCUMENT):
            yield segment
    if body["prediction"]:
        yield from read_content(body["prediction"]["content"], Part.DOCUMENT)
