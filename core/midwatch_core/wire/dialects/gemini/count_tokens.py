"""Gemini's countTokens (ai.google.dev/api/tokens), as on Vertex AI and in Code Assist: a count, not an answer."""

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.gemini import errors as gemini_errors
from midwatch_core.wire.dialects.gemini.generate_content import model_of, request_segments, tool_names, unlisted
from midwatch_core.wire.dialects.gemini.stream import GeminiStream
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# Where the contents stand if not at the top: the Gemini API's whole request, and Code Assist's.
_INSIDE = ("generateContentRequest", "generate_content_request", "request")


class GeminiCountTokens:
    """`POST …:countTokens`. What it counts is no usage: nothing was generated, and nothing is billed."""

    id = "gemini.count_tokens"
    operation = Operation.COUNT_TOKENS

    def read_request(self, body: Node, target: Target) -> Request:
        """The texts to be counted are sent to the provider as those of any other call are."""
        asked = next((body[key] for key in _INSIDE if body.is_dict and body[key]), body)
        return Request(
            operation=self.operation,
            model=model_of(asked, target),
            segments=tuple(request_segments(asked)),
            tools=tuple(tool_names(asked["tools"])),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A count, which stays in the record's body, or an error."""
        error = gemini_errors.read_error(unlisted(body)["error"])
        return Response(finish_reason=FinishReason.ERROR if error else None, error=error)

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """Counts are not streamed; an answer framed as a stream still gives its errors."""
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
