"""Items of the Responses API, in its input and its output: their texts and the tools they call."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.openai.messages import part_of_role, read_content
from midwatch_core.wire.node import Node

# Where a call's arguments are, by the item's type; `arguments` for any other.
_ARGUMENTS = {
    "apply_patch_call": "operation",
    "code_interpreter_call": "code",
    "computer_call": "action",
    "custom_tool_call": "input",
    "file_search_call": "queries",
    "image_generation_call": "revised_prompt",
    "local_shell_call": "action",
    "program": "code",
    "shell_call": "action",
    "web_search_call": "action",
}
# Fields beside them that some item has: what a tool brought, and why a person said no.
_RESULTS = ("output", "outputs", "error", "result")
_RESULT_TEXTS = ("text", "content", "stdout", "stderr", "logs", "message")
# Their results are pictures.
_PICTURES = frozenset({"computer_call_output", "computer_screenshot", "image", "image_generation_call"})


def read_item(item: Node, role: Part = Part.USER) -> Iterator[Segment]:
    """Every text of one item; `role` is the part of a message that names no role."""
    kind = kind_of(item)
    if kind in ("", "message") or item["role"]:
        yield from _read_message(item, role)
    elif kind == "reasoning":
        yield from _read_reasoning(item)
    else:
        yield from _read_call(item, kind)


def _read_message(item: Node, role: Part) -> Iterator[Segment]:
    part = part_of_role(item["role"].text()) if item["role"] else role
    yield from read_content(item["content"], part)
    yield from read_definitions(item["tools"])


def _read_reasoning(item: Node) -> Iterator[Segment]:
    yield from read_content(item["summary"], Part.REASONING)
    yield from read_content(item["content"], Part.REASONING)


def _read_call(item: Node, kind: str) -> Iterator[Segment]:
    yield from _one(_arguments(item).segment(Part.TOOL_CALL))
    yield from read_definitions(item["tools"])
    if kind not in _PICTURES:
        for key in _RESULTS:
            yield from _read_result(item[key])
    for result in item["results"]:
        yield from read_content(result, Part.DOCUMENT)
    yield from read_content(item["content"], Part.TOOL_RESULT)
    yield from _one(item["reason"].segment(Part.USER))


def _read_result(result: Node) -> Iterator[Segment]:
    """A result: a string, parts of it, or an object of the tool's own."""
    if result.is_str:
        yield from _one(result.segment(Part.TOOL_RESULT))
    elif result.is_list:
        for item in result:
            if not item.is_list:
                yield from _read_result(item)
    elif result.is_dict and kind_of(result) not in _PICTURES:
        for key in _RESULT_TEXTS:
            yield from read_content(result[key], Part.TOOL_RESULT)


def read_definitions(tools: Node) -> Iterator[Segment]:
    """Tools that an MCP server or a search of tools offers in the middle of a conversation."""
    for tool in tools:
        yield from _one(tool.segment(Part.TOOL_DEFINITION))


def read_call(item: Node) -> ToolCall | None:
    """The tool that an item of an answer calls, the provider's own tools included; None for any other item."""
    kind = kind_of(item)
    if not (kind.endswith("_call") or kind == "program"):
        return None
    name = item["name"].text() or kind.removesuffix("_call")
    return ToolCall(id=item["call_id"].text() or item["id"].text(), name=name, path=_arguments(item).path)


def read_result(item: Node) -> ToolResult | None:
    """What a tool of the client brought, of an item of a request; None for any other item.

    Only a patch tells by its `status` that it failed.
    """
    kind = kind_of(item)
    if not kind.endswith("_output") or not (call_id := item["call_id"].text()):
        return None
    return ToolResult(call_id=call_id, path=item["output"].path, failed=item["status"].value == "failed")


def _arguments(item: Node) -> Node:
    return item[_ARGUMENTS.get(kind_of(item), "arguments")]


def kind_of(item: Node) -> str:
    """The `type` of an item; empty where there is none."""
    return (item["type"].text() or "") if item.is_dict else ""


def _one(segment: Segment | None) -> tuple[Segment, ...]:
    return () if segment is None else (segment,)
