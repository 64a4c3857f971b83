"""Cohere's embeddings (docs.cohere.com/reference/embed)."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.cohere import answers as cohere_answers
from midwatch_core.wire.dialects.cohere.messages import content_segments, one
from midwatch_core.wire.dialects.cohere.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "texts", "inputs", "images"})


class CohereEmbed(Unstreamed):
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


def _inputs(body: Node) -> Iterator[Segment]:
    for text in body["texts"]:
        yield from one(text, Part.EMBEDDING_INPUT)
    for item in body["inputs"]:
        yield from content_segments(item["content"], Part.EMBEDDING_INPUT)
