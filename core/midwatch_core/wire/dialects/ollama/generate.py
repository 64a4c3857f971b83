"""Ollama's completion of one prompt (`POST /api/generate`, docs.ollama.com/api/generate)."""

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.ollama import answers as ollama_answers
from midwatch_core.wire.dialects.ollama.map import OllamaMap
from midwatch_core.wire.dialects.ollama.stream import OllamaStream
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# The template is the frame that the model reads the prompt in.
_TEXTS = {"system": Part.SYSTEM, "template": Part.SYSTEM, "prompt": Part.USER, "suffix": Part.USER}
_NO_PARAMETERS = frozenset({"model", "stream", "images", "context", *_TEXTS})


class OllamaGenerate:
    """One prompt in, one text out. `context` is token ids, and no text."""

    id = "ollama.generate"
    operation = Operation.TEXT_COMPLETION

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked."""
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            stream=body["stream"].value is not False,
            segments=_segments(body, _TEXTS),
            parameters=parameters(body, beside=_NO_PARAMETERS),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A whole answer, or an error body."""
        error = ollama_answers.read_error(body)
        reason, raw = ollama_answers.finish_reason(body, called_tools=False)
        return Response(
            model=body["model"].text(),
            segments=_segments(body, {"response": Part.ASSISTANT, "thinking": Part.REASONING}),
            finish_reason=FinishReason.ERROR if error else reason,
            raw_finish_reason=raw,
            usage=ollama_answers.read_usage(body),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed answer."""
        return OllamaStream(assembly, content="/response", thinking="/thinking")

    def stream_map(self) -> OllamaMap:
        """Where the texts of one answer stand."""
        return OllamaMap(content="/response", thinking="/thinking")

    def refuse(self, refusal: Refusal) -> Answer:
        """Ollama's error body."""
        return ollama_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The error as a line."""
        return ollama_answers.refuse_in_stream(refusal)


def _segments(body: Node, parts: dict[str, Part]) -> tuple[Segment, ...]:
    return tuple(segment for key, part in parts.items() if (segment := body[key].segment(part)))
