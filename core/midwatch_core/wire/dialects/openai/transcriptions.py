"""OpenAI's transcriptions and translations of sound (https://platform.openai.com/docs/api-reference/audio)."""

from collections.abc import Iterator

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.forms import file_bytes, form_document, is_yes
from midwatch_core.wire.dialects.openai.transcript_map import TranscriptMap
from midwatch_core.wire.dialects.openai.transcript_stream import TranscriptStream
from midwatch_core.wire.dialects.openai.transcript_usage import read_transcript_usage
from midwatch_core.wire.dialects.openai.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# What is said to the model in words.
_WORDS = ("prompt", "keywords", "keywords[]", "context_bias", "context_bias[]")
_BESIDE = frozenset({"file", "model", "stream", *_WORDS})


class OpenAITranscriptions(Unstreamed):
    """`POST …/audio/transcriptions` and `…/audio/translations`: a form with a file. Sound is counted, never decoded."""

    id = "openai.transcriptions"
    operation = Operation.TRANSCRIPTION

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """A form's fields, or JSON with the sound's address."""
        return form_document(plain, target)

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """JSON, or the text alone: plain, or as subtitles (`response_format`)."""
        if plain.lstrip().startswith(b"{"):
            return parse(plain)
        return plain.decode("utf-8", "replace"), None

    def read_request(self, body: Node, target: Target) -> Request:
        """The file's size, and the words that help the model hear."""
        if not body.is_dict:
            body.wrong("an object")
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=is_yes(body["stream"]),
            segments=tuple(segment for key in _WORDS for segment in _texts(body[key], Part.USER)),
            parameters=parameters(body, beside=_BESIDE),
            audio_bytes=file_bytes(body["file"]),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """The text; in the verbose forms also once more by passages, or by speakers."""
        if body.is_str:
            return Response(segments=tuple(_texts(body, Part.ASSISTANT)))
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("a text or an object")
            return Response(error=error)
        passages = (item["text"] for item in body["segments"] if item.is_dict)
        return Response(
            model=body["model"].text(),
            segments=tuple(segment for text in (body["text"], *passages) for segment in _texts(text, Part.ASSISTANT)),
            usage=read_transcript_usage(body["usage"], body["duration"]),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> TranscriptStream:
        """A reader for one transcript."""
        return TranscriptStream(assembly)

    def stream_map(self) -> TranscriptMap:
        """Where its texts stand."""
        return TranscriptMap()


def _texts(text: Node, part: Part) -> Iterator[Segment]:
    for item in text if text.is_list else (text,):
        if item.is_str and (segment := item.segment(part)):
            yield segment
