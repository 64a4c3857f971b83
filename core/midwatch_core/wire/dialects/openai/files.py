"""OpenAI's Files (https://platform.openai.com/docs/api-reference/files): what goes up will be sent to a model."""

from collections.abc import Iterable

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.model.segment import Segment
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.batch_lines import line_model, read_line
from midwatch_core.wire.dialects.openai.file_content import content_of, content_texts
from midwatch_core.wire.dialects.openai.forms import fields_of, file_bytes
from midwatch_core.wire.dialects.openai.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsonlines import are_lines, read_lines
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.multipart import is_form, read_form
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

# A file's member in `POST /files`, and in a part of a large upload.
_FILES = ("file", "data")
# What the provider says of a file, and not what stands in it.
_OBJECTS = ("file", "upload.part")


class OpenAIFiles(Unstreamed):
    """`POST …/files`, `POST …/uploads/{id}/parts` and `GET …/files/{id}/content`.

    Of a batch's file each line is read as the request that it will be, of its results as the answer that it was; of
    other files that are text, the text. The rest is counted: a name, a type and a size.
    """

    id = "openai.files"
    operation = Operation.FILES

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """A form's fields; beside a file's name, type and size its lines or its text."""
        content_type = target.headers.get("content-type", "")
        if not is_form(content_type):
            return parse(plain)
        parts, problem = read_form(plain, content_type)
        document = fields_of(parts)
        for part in parts:
            held = document.get(part.name)
            if part.name in _FILES and isinstance(held, dict):
                content, trouble = content_of(part)
                held |= content
                problem = problem or trouble
        return document, problem

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """The object of a file, or what is in one: lines, JSON, or a text."""
        if are_lines(plain):
            return read_lines(plain)
        document, problem = parse(plain) if plain.lstrip().startswith((b"{", b"[")) else (None, "no JSON")
        if problem is None:
            return document, None
        try:
            return plain.decode(), None
        except UnicodeDecodeError:
            return {"bytes": len(plain)}, None

    def read_request(self, body: Node, target: Target) -> Request:
        """Texts of a file's content, and the model that its lines name, if all name one."""
        if not body:
            return Request(operation=self.operation)
        said = parameters(body, beside=frozenset(_FILES))
        segments: list[Segment] = []
        models: set[str] = set()
        for key in _FILES:
            file = body[key]
            if file.is_dict:
                segments += content_texts(file)
                models |= _models(file["lines"])
                said |= {"filename": file["filename"].text(), "bytes": file_bytes(file)}
        model = models.pop() if len(models) == 1 else None
        return Request(operation=self.operation, model=model, segments=tuple(segments), parameters=said)

    def read_response(self, body: Node, status: int) -> Response:
        """A file's object, or the texts of its content. What a batch used is not counted here (see `pricing`)."""
        if status >= 400:
            return Response(error=openai_errors.read_error(body, failed=True))
        if body.is_dict and body["object"].value in _OBJECTS:
            return Response(id=body["id"].text())
        return Response(segments=tuple(content_texts(body) if not body.is_dict else read_line(body)))


def _models(lines: Iterable[Node]) -> set[str]:
    return {model for line in lines if (model := line_model(line))}
