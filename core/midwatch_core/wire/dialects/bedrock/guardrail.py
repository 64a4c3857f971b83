"""Bedrock's guardrails asked by themselves: ApplyGuardrail and InvokeGuardrailChecks.

docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html.
"""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.anthropic.blocks import all_texts, one, part_of_role
from midwatch_core.wire.dialects.bedrock import errors as bedrock_errors
from midwatch_core.wire.dialects.bedrock.place import place
from midwatch_core.wire.dialects.bedrock.stream import ConverseStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target


class BedrockGuardrail:
    """`POST /guardrail/{id}/version/{version}/apply` and `/guardrail-checks/invoke`."""

    id = "bedrock.guardrail"
    operation = Operation.MODERATION

    def read_request(self, body: Node, target: Target) -> Request:
        """What is to be judged: a user's text, or a model's where `source` says so. The guardrail is the model."""
        return Request(
            operation=self.operation,
            model=target.captures.get("guardrail"),
            segments=tuple(_asked(body)),
            parameters=parameters(body, beside={"content", "messages"}) | place(target),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """What may be shown instead, and whether the guardrail intervened. It counts units of text, not tokens."""
        error, raw = bedrock_errors.read_error(body) if status >= 400 else None, body["action"].text()
        outputs = [found for item in body["outputs"] for found in one(item["text"], Part.ASSISTANT)]
        reason = FinishReason.CONTENT_FILTER if raw == "GUARDRAIL_INTERVENED" else FinishReason.STOP if raw else None
        return Response(
            segments=tuple(outputs),
            finish_reason=FinishReason.ERROR if error else reason,
            raw_finish_reason=raw,
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """For an answer that is no judgement: whatever comes is noted."""
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


def _asked(body: Node) -> Iterator[Segment]:
    part = Part.ASSISTANT if body["source"].value == "OUTPUT" else Part.USER
    for block in body["content"]:
        yield from all_texts(block["text"]["text"], part)
    for message in body["messages"]:
        for block in message["content"]:
            yield from all_texts(block["text"], part_of_role(message["role"].text()))
