"""Vertex AI's embeddings by `predict`.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.gemini import errors as gemini_errors
from midwatch_core.wire.dialects.gemini.generate_content import model_of, unlisted
from midwatch_core.wire.dialects.gemini.stream import GeminiStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# An instance of a text model has `content`, of a multimodal one `text` beside pictures.
_TEXTS = ("content", "text", "title")


class VertexEmbeddings:
    """`POST …/publishers/google/models/{model}:predict`, as google-genai embeds with most models."""

    id = "vertex.embeddings"
    operation = Operation.EMBEDDINGS

    def read_request(self, body: Node, target: Target) -> Request:
        """The texts to embed: one an instance."""
        return Request(
            operation=self.operation,
            model=model_of(body, target),
            segments=tuple(_inputs(body)),
            parameters=parameters(body["parameters"], beside=frozenset()),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Vectors have no text; each tells how many tokens it was made of."""
        body = unlisted(body)
        error = gemini_errors.read_error(body["error"])
        return Response(
            finish_reason=FinishReason.ERROR if error else None, usage=_read_usage(body["predictions"]), error=error
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """There is no stream of vectors; an answer framed as one still gives its errors."""
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


def _inputs(body: Node) -> Iterator[Segment]:
    for instance in body["instances"]:
        for name in _TEXTS:
            if segment := instance[name].segment(Part.EMBEDDING_INPUT):
                yield segment


def _read_usage(predictions: Node) -> Usage | None:
    counts = [
        count
        for prediction in predictions
        if (count := prediction["embeddings"]["statistics"]["token_count"].whole()) is not None
    ]
    return Usage(input_tokens=sum(counts)) if counts else None
