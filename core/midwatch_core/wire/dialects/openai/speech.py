"""OpenAI's speech (https://platform.openai.com/docs/api-reference/audio/createSpeech): text in, sound out."""

from collections.abc import Iterator

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.binary import omitted, omitted_bytes
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.speech_stream import SpeechStream
from midwatch_core.wire.dialects.openai.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"input", "instructions", "model"})


class OpenAISpeech(Unstreamed):
    """`POST …/audio/speech`. The sound is counted, and neither read nor kept; only a stream of events has usage."""

    id = "openai.speech"
    operation = Operation.SPEECH

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """JSON."""
        return parse(plain)

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """Sound without a telling content type; some servers answer in JSON (Mistral)."""
        document, problem = parse(plain) if plain.startswith(b"{") else (None, None)
        return (document, None) if isinstance(document, dict) and problem is None else (omitted(len(plain)), None)

    def read_request(self, body: Node, target: Target) -> Request:
        """What is to be said, and how."""
        if not body.is_dict:
            body.wrong("an object")
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=body["stream_format"].value == "sse",
            segments=(*_one(body["instructions"], Part.SYSTEM), *_one(body["input"], Part.USER)),
            parameters=parameters(body, beside=_BESIDE),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """How much sound came, or an error."""
        return Response(
            error=openai_errors.read_error(body, failed=status >= 400), audio_bytes=omitted_bytes(body.value)
        )

    def stream_reader(self, assembly: Assembly) -> SpeechStream:
        """A reader for sound that comes in events."""
        return SpeechStream(assembly)


def _one(text: Node, part: Part) -> Iterator[Segment]:
    if segment := text.segment(part):
        yield segment
