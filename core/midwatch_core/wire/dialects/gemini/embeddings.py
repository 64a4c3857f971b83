"""Gemini's embedContent and batchEmbedContents (ai.google.dev/api/embeddings)."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.gemini import errors as gemini_errors
from midwatch_core.wire.dialects.gemini.generate_content import model_of
from midwatch_core.wire.dialects.gemini.parts import content_segments, items
from midwatch_core.wire.dialects.gemini.stream import GeminiStream
from midwatch_core.wire.dialects.gemini.usage import read_service_tier, read_usage
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "content", "title", "requests"})


class GeminiEmbeddings:
    """`POST …/models/{model}:embedContent` and `:batchEmbedContents`. There is no stream of these."""

    id = "gemini.embeddings"
    operation = Operation.EMBEDDINGS

    def read_request(self, body: Node, target: Target) -> Request:
        """The texts to embed: one content, or a list of requests."""
        segments = list(_inputs(body))
        for request in items(body["requests"]):
            segments += _inputs(request)
        return Request(
            operation=self.operation,
            model=model_of(body, target),
            segments=tuple(segments),
            parameters=parameters(body, beside=_NO_PARAMETERS),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Vectors have no text; some models report their usage."""
        error = gemini_errors.read_error(body["error"])
        return Response(
            finish_reason=FinishReason.ERROR if error else None,
            usage=read_usage(body["usageMetadata"]),
            service_tier=read_service_tier(body["usageMetadata"]),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """Never asked for by a client that knows the API; reads what an answer of the other method would be."""
        return GeminiStream(assembly)

    def stream_map(self) -> None:
        """Its answers are never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """Google's error body, with our code as its reason."""
        return gemini_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The error as an SSE event."""
        return gemini_errors.refuse_in_stream(refusal)


def _inputs(request: Node) -> Iterator[Segment]:
    yield from content_segments(request["content"], Part.EMBEDDING_INPUT)
    if title := request["title"].segment(Part.EMBEDDING_INPUT):
        yield title
