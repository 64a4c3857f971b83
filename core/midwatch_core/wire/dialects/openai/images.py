"""OpenAI's Images (https://platform.openai.com/docs/api-reference/images): made from words, edited, varied."""

from collections.abc import Iterator

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.forms import form_document, is_yes
from midwatch_core.wire.dialects.openai.images_stream import ImagesStream, read_picture_usage
from midwatch_core.wire.dialects.openai.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_PICTURES = frozenset({"image", "image[]", "images", "mask", "markup"})
_BESIDE = frozenset({"prompt", "model", "stream", *_PICTURES})


class OpenAIImages(Unstreamed):
    """`POST …/images/generations`, `…/edits` and `…/variations`: JSON, or a form with pictures.

    Pictures are never kept: in an answer's body each stands as its size, so that their number can be told.
    """

    id = "openai.images"
    operation = Operation.IMAGE

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """A form's fields, or JSON."""
        return form_document(plain, target)

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """JSON."""
        return parse(plain)

    def read_request(self, body: Node, target: Target) -> Request:
        """The prompt is all of it that is text; a variation has none."""
        if not body.is_dict:
            body.wrong("an object")
        return Request(
            operation=self.operation,
            model=body["model"].text() or target.captures.get("model"),
            stream=is_yes(body["stream"]),
            segments=tuple(_one(body["prompt"], Part.USER)),
            parameters=parameters(body, beside=_BESIDE),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """The prompts as the model rewrote them, and the tokens of models that are billed by tokens."""
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        prompts = (item["revised_prompt"] for item in body["data"])
        return Response(
            model=body["model"].text(),
            segments=tuple(segment for prompt in prompts for segment in _one(prompt, Part.ASSISTANT)),
            usage=read_picture_usage(body["usage"]),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> ImagesStream:
        """A reader for one answer of pictures that come in parts."""
        return ImagesStream(assembly)


def _one(text: Node, part: Part) -> Iterator[Segment]:
    if text.is_str and (segment := text.segment(part)):
        yield segment
