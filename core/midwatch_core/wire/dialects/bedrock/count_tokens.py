"""Bedrock's CountTokens: a request of Converse or of an invocation, that no model answers.

docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html.
"""

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.anthropic.blocks import one
from midwatch_core.wire.dialects.bedrock import errors as bedrock_errors
from midwatch_core.wire.dialects.bedrock.converse import request_segments
from midwatch_core.wire.dialects.bedrock.place import model_of, place
from midwatch_core.wire.dialects.bedrock.stream import ConverseStream
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target


class BedrockCountTokens:
    """`POST /model/{modelId}/count-tokens`."""

    id = "bedrock.count_tokens"
    operation = Operation.COUNT_TOKENS

    def read_request(self, body: Node, target: Target) -> Request:
        """What is to be counted; an invocation's body stays the base64 that it came in."""
        asked = body["input"]
        segments = list(request_segments(asked["converse"]))
        segments += one(asked["invokeModel"]["body"], Part.USER)
        return Request(
            operation=self.operation, model=model_of(target), segments=tuple(segments), parameters=place(target)
        )

    def read_response(self, body: Node, status: int) -> Response:
        """The count, or an error body. Nothing was used: the count is of what would be."""
        error = bedrock_errors.read_error(body) if status >= 400 else None
        return Response(error=error, finish_reason=FinishReason.ERROR if error else None)

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """For an answer that is no count: whatever comes is noted."""
        return ConverseStream(assembly)

    def stream_map(self) -> None:
        """None: it is never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """See `bedrock_errors.refuse`."""
        return bedrock_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `bedrock_errors.refuse_in_stream`."""
        return bedrock_errors.refuse_in_stream(refusal)
