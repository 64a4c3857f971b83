"""Anthropic's Message Batches (docs.claude.com/en/api/creating-message-batches): many messages in one request."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Json, Operation, Request, Response, ToolCall
from midwatch_core.model.segment import Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages, read_error
from midwatch_core.wire.dialects.anthropic.stream import AnthropicStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsonlines import are_lines, read_lines
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"requests"})
_MESSAGES = AnthropicMessages()


class AnthropicBatches:
    """`POST /v1/messages/batches`, its `GET`s, `…/cancel`, and `…/results`, which come as lines of JSON.

    Results have their texts and tool calls. Their usage is not counted: they may be fetched again and again.
    """

    id = "anthropic.batches"
    operation = Operation.BATCH

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """JSON, or nothing: a batch is cancelled without a word."""
        return parse(plain) if plain else (None, None)

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """A batch's object, or a list of its results: also of a single one."""
        if are_lines(plain):
            return read_lines(plain)
        document, problem = parse(plain)
        is_result = isinstance(document, dict) and "custom_id" in document
        return ([document] if is_result else document), problem

    def read_request(self, body: Node, target: Target) -> Request:
        """Every message's texts, each in its place; the model that they ask, if it is one."""
        asked = [_MESSAGES.read_request(item["params"], target) for item in body["requests"] if item.is_dict]
        models = {request.model for request in asked if request.model}
        return Request(
            operation=self.operation,
            model=models.pop() if len(models) == 1 else None,
            segments=tuple(segment for request in asked for segment in request.segments),
            tools=tuple(dict.fromkeys(name for request in asked for name in request.tools)),
            parameters=parameters(body, beside=_BESIDE) | ({"requests": len(asked)} if asked else {}),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A batch's id and how far it is, or what came of its messages."""
        if body.is_list:
            return _results(list(_messages(body)))
        error = read_error(body["error"])
        return Response(
            id=body["id"].text(),
            finish_reason=FinishReason.ERROR if error else None,
            raw_finish_reason=body["processing_status"].text(),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """Results are read whole; for an answer that is a stream, its errors."""
        return AnthropicStream(assembly)

    def stream_map(self) -> None:
        """Its answers are never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """Anthropic's error body."""
        return _MESSAGES.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `AnthropicMessages`."""
        return _MESSAGES.refuse_in_stream(refusal)


def _messages(lines: Node) -> Iterator[Response]:
    for line in lines:
        if line.is_dict and line["result"]["message"].is_dict:
            yield _MESSAGES.read_response(line["result"]["message"], 200)


def _results(messages: list[Response]) -> Response:
    segments: list[Segment] = []
    calls: list[ToolCall] = []
    for message in messages:
        segments += message.segments
        calls += message.tool_calls
    models = {message.model for message in messages if message.model}
    return Response(model=models.pop() if len(models) == 1 else None, segments=tuple(segments), tool_calls=tuple(calls))
