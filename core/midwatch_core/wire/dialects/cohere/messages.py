"""Cohere's messages and documents (docs.cohere.com/reference/chat): which texts they hold, what part each plays."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolCall
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.node import Node

_ROLES = {
    "system": Part.SYSTEM,
    "developer": Part.SYSTEM,
    "user": Part.USER,
    "assistant": Part.ASSISTANT,
    "chatbot": Part.ASSISTANT,
    "tool": Part.TOOL_RESULT,
}
# Pictures have no text; a block's `type` and a document's `id` are nobody's words.
_SILENT = frozenset({"image_url", "image"})
_NO_TEXT = frozenset({"id", "_excludes"})


def part_of_role(role: str | None) -> Part:
    """The part of a message's text; an unknown role counts as the user, whom detectors watch closest."""
    return _ROLES.get((role or "").lower(), Part.USER)


def message_segments(message: Node, part: Part) -> Iterator[Segment]:
    """Every text of one message: the plan of its tool calls, its content, their arguments, what it cites."""
    yield from one(message["tool_plan"], Part.REASONING)
    yield from content_segments(message["content"], part)
    for call in message["tool_calls"]:
        yield from one(call["function"]["arguments"], Part.TOOL_CALL)
    for citation in message["citations"]:
        yield from citation_segments(citation)


def content_segments(content: Node, part: Part) -> Iterator[Segment]:
    """The texts of a `content`: a string or a list of blocks."""
    if content.is_str:
        yield from one(content, part)
        return
    for block in content:
        kind = block["type"].text()
        if kind in _SILENT:
            continue
        yield from one(block["thinking"], Part.REASONING)
        yield from one(block["text"], part)
        said_by = part if part is Part.TOOL_RESULT else Part.DOCUMENT
        yield from document_segments(block["document"], said_by)


def citation_segments(citation: Node) -> Iterator[Segment]:
    """What a citation says of its sources. Its own `text` is a piece of the answer, which is read where it stands."""
    for source in citation["sources"]:
        yield from document_segments(source["document"], Part.DOCUMENT)
        yield from document_segments(source["tool_output"], Part.DOCUMENT)


def document_segments(document: Node, part: Part) -> Iterator[Segment]:
    """The texts of a document: a string, or an object of strings, which may stand below its `data`."""
    data = document["data"] if document.is_dict and document["data"] else document
    if not data.is_dict:
        yield from one(data, part)
        return
    for key, member in data.members():
        if key not in _NO_TEXT:
            yield from one(member, part)


def tool_calls(message: Node) -> Iterator[ToolCall]:
    """The tools that an answer's message calls."""
    for call in message["tool_calls"]:
        if name := call["function"]["name"].text():
            yield ToolCall(id=call["id"].text(), name=name, path=call["function"]["arguments"].path)


def one(node: Node, part: Part) -> Iterator[Segment]:
    """The segment of a value that is one text, if it is any."""
    if segment := node.segment(part):
        yield segment
