"""Requests of OpenAI's that come as a form, with files in it, or as JSON: one document for both."""

from midwatch_core.model.content import Json
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.multipart import FormPart, is_form, read_form
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target


def form_document(plain: bytes, target: Target) -> tuple[Json, str | None]:
    """The fields of a form by their names, each file as what `file_document` says; JSON as it is."""
    content_type = target.headers.get("content-type", "")
    if not is_form(content_type):
        return parse(plain)
    parts, problem = read_form(plain, content_type)
    return fields_of(parts), problem


def fields_of(parts: list[FormPart]) -> dict[str, Json]:
    """The document of a form: a name that is given again, or that ends in `[]`, has a list."""
    document: dict[str, Json] = {}
    for part in parts:
        value = file_document(part) if part.is_file else part.text()
        before = document.get(part.name)
        if isinstance(before, list):
            before.append(value)
        elif before is not None:
            document[part.name] = [before, value]
        else:
            document[part.name] = [value] if part.name.endswith("[]") else value
    return document


def file_document(part: FormPart) -> dict[str, Json]:
    """What is kept of a file: its name, its type and how large it is."""
    return {"filename": part.filename, "content_type": part.content_type, "bytes": len(part.data)}


def is_yes(value: Node) -> bool:
    """A flag of JSON, or of a form, which has words only."""
    return value.flag() if not value.is_str else value.text() in ("true", "True", "1")


def file_bytes(value: Node) -> int:
    """The size of a file, or of several, as `file_document` says it."""
    files = list(value) if value.is_list else [value]
    return sum(file["bytes"].whole() or 0 for file in files if file.is_dict)
