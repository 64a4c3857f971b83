"""Cohere's embeddings (docs.cohere.com/reference/embed)."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.cohere import answers as cohere_answers
from midwatch_core.wire.dialects.cohere.messages import content_segments, one
from midwatch_core.wire.dialects.cohere.stream import CohereStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "texts", "inputs", "images"})


class CohereEmbed:
    """`POST /v2/embed` and `/v1/embed`. Answers repeat the texts, which are read in the request alone."""

    id = "cohere.embed"
    operation = Operation.EMBEDDINGS

    def read_request(self, body: Node, target: Target) -> Request:
        """The texts to embed, plain or as contents with pictures."""
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            segments=tuple(_inputs(body)),
            parameters=parameters(body, beside=_NO_PARAMETERS),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Vectors have no text; what is billed is told beside them."""
        error = cohere_answers.read_error(body, failed=status >= 400)
        return Response(
            id=body["id"].text(),
            finish_reason=FinishReason.ERROR if error else None,
            usage=cohere_answers.read_usage(body["meta"]),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """There is no stream of vectors; an answer framed as one is read as a message's would be."""
        return CohereStream(assembly)

    def stream_map(self) -> None:
        """Its answers are never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """Cohere's error body."""
        return cohere_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """A message that ends in an error."""
        return cohere_answers.refuse_in_stream(refusal)


def _inputs(body: Node) -> Iterator[Segment]:
    for text in body["texts"]:
        yield from one(text, Part.EMBEDDING_INPUT)
    for item in body["inputs"]:
        yield from content_segments(item["content"], Part.EMBEDDING_INPUT)
