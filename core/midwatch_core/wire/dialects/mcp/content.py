"""MCP's content blocks: what tools, prompts and resources bring, and what a sampled model says.

Types: modelcontextprotocol.io/specification/2025-11-25/schema (`ContentBlock`, `SamplingMessageContentBlock`).
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.node import Node

_ROLES = {"user": Part.USER, "assistant": Part.ASSISTANT}
# Bytes in base64.
_BINARY = frozenset({"image", "audio"})
# Members that no model reads as text.
_OPAQUE = frozenset(
    {
        "_meta",
        "annotations",
        "blob",
        "createdAt",
        "icons",
        "id",
        "lastUpdatedAt",
        "mimeType",
        "size",
        "taskId",
        "toolUseId",
        "type",
        "uri",
    }
)
# Below this a value is read as one text, its compact JSON.
_DEPTH = 12


def part_of_role(role: str | None) -> Part:
    """The part that a message of `role` plays; what is not known came from the user's side."""
    return _ROLES.get(role or "", Part.USER)


def one(node: Node, part: Part) -> Iterator[Segment]:
    """The segment of a value that is one text, if it is any."""
    if segment := node.segment(part):
        yield segment


def strings(node: Node, part: Part, *, beside: AbstractSet[str] = _OPAQUE, depth: int = 0) -> Iterator[Segment]:
    """Every string at and below `node` but for members named in `beside`: those that are no text."""
    if node.is_str or depth >= _DEPTH:
        yield from one(node, part)
    elif node.is_list:
        for item in node:
            yield from strings(item, part, beside=beside, depth=depth + 1)
    elif node.is_dict:
        for key, member in node.members():
            if key not in beside:
                yield from strings(member, part, beside=beside, depth=depth + 1)


def filled(node: Node, part: Part) -> Iterator[Segment]:
    """Every string of what somebody filled in: whoever made the form chose its names."""
    return strings(node, part, beside=frozenset())


def content(node: Node, part: Part) -> Iterator[Segment]:
    """The texts of a `content`: one block or a list of them."""
    for block in node if node.is_list else (node,):
        yield from _block(block, part)


def _block(block: Node, part: Part) -> Iterator[Segment]:
    """The texts of one block said by `part`. A type that is not known is searched for any text."""
    if not block.is_dict:
        yield from one(block, part)
        return
    match block["type"].text():
        case "text":
            yield from one(block["text"], part)
        case kind if kind in _BINARY:
            return
        case "resource":
            yield from one(block["resource"]["text"], Part.TOOL_RESULT if part is Part.TOOL_RESULT else Part.DOCUMENT)
        case "tool_use":
            yield from one(block["input"], Part.TOOL_CALL)
        case "tool_result":
            yield from content(block["content"], Part.TOOL_RESULT)
            yield from one(block["structuredContent"], Part.TOOL_RESULT)
        case _:
            yield from strings(block, part)
