"""What stands in a file that goes up or comes down: lines of JSON, a text, or bytes that are neither."""

from collections.abc import Iterator

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.anthropic.blocks import all_texts
from midwatch_core.wire.dialects.openai.batch_lines import read_line
from midwatch_core.wire.jsonlines import are_lines, read_lines
from midwatch_core.wire.multipart import FormPart
from midwatch_core.wire.node import Node


def content_of(part: FormPart) -> tuple[dict[str, Json], str | None]:
    """What can be read of an uploaded file: `lines` or `text`; nothing of what is no UTF-8, such as a PDF."""
    data = bytes(part.data)
    if b"\0" in data[:1024]:
        return {}, None
    if (part.filename or "").lower().endswith(".jsonl") or are_lines(data):
        lines, problem = read_lines(data)
        return {"lines": lines}, problem
    try:
        return {"text": data.decode()}, None
    except UnicodeDecodeError:
        return {}, None


def content_texts(content: Node) -> Iterator[Segment]:
    """The texts of a content: lines or a text as the members of a file, or on their own."""
    if content.is_str:
        if segment := content.segment(Part.DOCUMENT):
            yield segment
    elif content.is_list:
        for line in content:
            yield from read_line(line)
    elif content["lines"]:
        yield from content_texts(content["lines"])
    elif content["text"]:
        yield from all_texts(content["text"], Part.DOCUMENT)
