"""Ollama's embeddings (`POST /api/embed`, and `/api/embeddings` of older clients)."""

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.ollama import answers as ollama_answers
from midwatch_core.wire.dialects.ollama.stream import OllamaStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_NO_PARAMETERS = frozenset({"model", "input", "prompt"})


class OllamaEmbeddings:
    """Texts in, vectors out. `input` is a string or a list of them; `prompt` is the older method's one text."""

    id = "ollama.embeddings"
    operation = Operation.EMBEDDINGS

    def read_request(self, body: Node, target: Target) -> Request:
        """The texts to embed."""
        found = [body["prompt"], *([body["input"]] if not body["input"].is_list else body["input"])]
        segments: list[Segment] = [item for node in found if (item := node.segment(Part.EMBEDDING_INPUT))]
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            segments=tuple(segments),
            parameters=parameters(body, beside=_NO_PARAMETERS),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Vectors have no text."""
        error = ollama_answers.read_error(body)
        return Response(
            model=body["model"].text(),
            finish_reason=FinishReason.ERROR if error else None,
            usage=ollama_answers.read_usage(body),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """There is no stream of vectors; an answer framed as one still gives its model and errors."""
        return OllamaStream(assembly, content="/response", thinking="/thinking")

    def stream_map(self) -> None:
        """Its answers are never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """Ollama's error body."""
        return ollama_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The error as a line."""
        return ollama_answers.refuse_in_stream(refusal)
