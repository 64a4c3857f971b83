"""Anthropic's content blocks: which texts they hold and what part each plays."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.node import Node

_ROLES = {"user": Part.USER, "assistant": Part.ASSISTANT, "system": Part.SYSTEM}
# Images, uploads and what is encrypted: nothing to read.
_SILENT = frozenset({"image", "redacted_thinking", "container_upload", "tool_removal", "fallback"})
# Members of results and documents that no person wrote and no model reads as text.
_OPAQUE = frozenset(
    {
        "type",
        "id",
        "tool_use_id",
        "file_id",
        "media_type",
        "file_type",
        "signature",
        "cache_control",
        "caller",
        "encrypted_content",
        "encrypted_index",
        "encrypted_stdout",
        "page_age",
        "retrieved_at",
        "error_code",
        "stop_reason",
    }
)
# Below this a result is read as one text, its compact JSON.
_DEPTH = 12


def part_of_role(role: str | None) -> Part:
    """The part that a message of `role` plays; what is not known came from the user's side."""
    return _ROLES.get(role or "", Part.USER)


def content_segments(content: Node, part: Part) -> Iterator[Segment]:
    """The texts of a `content`: a string or a list of blocks."""
    if content.is_str:
        yield from one(content, part)
        return
    for block in content:
        yield from block_segments(block, part)


def block_segments(block: Node, part: Part) -> Iterator[Segment]:
    """The texts of one block said by `part`. A type that is not known is searched for any text."""
    kind = block["type"].text() or ""
    if kind == "text":
        yield from one(block["text"], part)
        yield from all_texts(block["citations"], Part.DOCUMENT)
    elif kind == "thinking":
        yield from one(block["thinking"], Part.REASONING)
    elif kind in _SILENT:
        return
    elif kind.endswith("tool_use"):
        yield from one(block["input"], Part.TOOL_CALL)
    elif kind.endswith("tool_result"):
        yield from all_texts(block["content"], Part.TOOL_RESULT)
    elif kind in ("document", "search_result"):
        yield from all_texts(block, Part.DOCUMENT)
    elif kind == "tool_addition":
        yield from one(block["tool"]["definition"], Part.TOOL_DEFINITION)
    elif kind == "mcp_tool_listing":
        for tool in block["tools"]:
            yield from one(tool, Part.TOOL_DEFINITION)
    else:
        yield from all_texts(block, part)


def all_texts(node: Node, part: Part, depth: int = 0) -> Iterator[Segment]:
    """Every string at and below `node` that may be text: results differ from tool to tool, and there are new ones."""
    if node.is_str or depth >= _DEPTH:
        yield from one(node, part)
    elif node.is_list:
        for item in node:
            yield from all_texts(item, part, depth + 1)
    elif node.is_dict and not _is_binary(node):
        for key, member in node.members():
            if key not in _OPAQUE:
                yield from all_texts(member, part, depth + 1)


def one(node: Node, part: Part) -> Iterator[Segment]:
    """The segment of a value that is one text, if it is any."""
    if segment := node.segment(part):
        yield segment


def tool_calls(content: Node) -> Iterator[ToolCall]:
    """The tools called in a `content`, the provider's own ones and those of MCP servers included."""
    if not content.is_list:
        return
    for block in content:
        if block.is_dict and (block["type"].text() or "").endswith("tool_use") and (name := block["name"].text()):
            yield ToolCall(id=block["id"].text(), name=name, path=block["input"].path)


def tool_results(content: Node) -> Iterator[ToolResult]:
    """What the client's tools brought; results of the provider's own tools stand in its answers."""
    if not content.is_list:
        return
    for block in content:
        if block.is_dict and block["type"].value == "tool_result":
            yield ToolResult(
                call_id=block["tool_use_id"].text(), path=block["content"].path, failed=block["is_error"].value is True
            )


def _is_binary(node: Node) -> bool:
    return node["type"].value in ("image", "base64")
