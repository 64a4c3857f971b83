"""Cohere's rerank (docs.cohere.com/reference/rerank): documents put in the order in which they answer a query."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.cohere import answers as cohere_answers
from midwatch_core.wire.dialects.cohere.messages import document_segments, one
from midwatch_core.wire.dialects.cohere.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "query", "documents"})


class CohereRerank(Unstreamed):
    """`POST /v2/rerank` and `/v1/rerank`, which servers of open models (vLLM, Jina, Voyage) speak too."""

    id = "cohere.rerank"
    operation = Operation.RERANK

    def read_request(self, body: Node, target: Target) -> Request:
        """The query and the documents."""
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            segments=tuple(_texts(body)),
            parameters=parameters(body, beside=_NO_PARAMETERS),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Documents come back where they are asked for (`return_documents`), each in its place among the results."""
        error = cohere_answers.read_error(body, failed=status >= 400)
        found = () if error else tuple(_returned(body))
        return Response(
            id=body["id"].text(),
            segments=found,
            finish_reason=FinishReason.ERROR if error else None,
            usage=cohere_answers.read_usage(body["meta"]),
            error=error,
        )


def _texts(body: Node) -> Iterator[Segment]:
    yield from one(body["query"], Part.USER)
    for document in body["documents"]:
        yield from document_segments(document, Part.DOCUMENT)


def _returned(body: Node) -> Iterator[Segment]:
    for result in body["results"]:
        yield from document_segments(result["document"], Part.DOCUMENT)
