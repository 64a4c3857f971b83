"""Gemini's contents and parts: which texts they hold and what part each plays."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.node import Node

_ROLES = {
    "user": Part.USER,
    "model": Part.ASSISTANT,
    "system": Part.SYSTEM,
    "function": Part.TOOL_RESULT,
    "tool": Part.TOOL_RESULT,
}
# Code that the provider itself runs has no name of its own.
CODE_TOOL = "code_execution"


def either(node: Node, camel: str, snake: str) -> Node:
    """A member under either of the two spellings that protobuf's JSON takes."""
    member = node[camel]
    return member or node[snake]


def items(node: Node) -> Iterator[Node]:
    """The items of a repeated field, which may be written without its brackets where there is one."""
    if node.is_dict:
        yield node
    else:
        yield from node


def part_of_role(role: str | None) -> Part:
    """The part that a content of `role` plays; without a role it is the user's."""
    return _ROLES.get(role or "", Part.USER)


def content_segments(content: Node, part: Part | None = None) -> Iterator[Segment]:
    """The texts of a content, said by `part` or else by its role."""
    if content.is_str:
        yield from _one(content, part or Part.USER)
        return
    said_by = part or part_of_role(content["role"].text())
    for item in items(content["parts"]):
        yield from part_segments(item, said_by)


def part_segments(node: Node, part: Part) -> Iterator[Segment]:
    """The texts of one part: images and other data have none."""
    if node.is_str:
        yield from _one(node, part)
        return
    yield from _one(node["text"], Part.REASONING if node["thought"].value is True else part)
    for call in calls(node):
        yield from _one(call["args"], Part.TOOL_CALL)
    yield from _one(either(node, "executableCode", "executable_code")["code"], Part.TOOL_CALL)
    yield from _one(either(node, "codeExecutionResult", "code_execution_result")["output"], Part.TOOL_RESULT)
    for result in _present(node, ("functionResponse", "function_response"), ("toolResponse", "tool_response")):
        yield from _result_segments(result["response"])


def calls(node: Node) -> Iterator[Node]:
    """The call of a function or of a provider's tool in a part."""
    yield from _present(node, ("functionCall", "function_call"), ("toolCall", "tool_call"))


def call_name(call: Node) -> str | None:
    """The function's name, or the kind of the provider's tool."""
    return call["name"].text() or either(call, "toolType", "tool_type").text()


def tool_calls(content: Node) -> Iterator[ToolCall]:
    """The tools called in a content, code run by the provider included."""
    for item in items(content["parts"]):
        if not item.is_dict:
            continue
        for call in calls(item):
            if name := call_name(call):
                yield ToolCall(id=call["id"].text(), name=name, path=call["args"].path)
        if code := either(item, "executableCode", "executable_code"):
            yield ToolCall(id=code["id"].text(), name=CODE_TOOL, path=code["code"].path)


def tool_results(content: Node) -> Iterator[ToolResult]:
    """What the client's functions brought: an `error` in the response is how they say that they failed.

    https://ai.google.dev/api/caching#FunctionResponse; the id is optional, and most clients leave it out.
    """
    if not content.is_dict:
        return
    for item in items(content["parts"]):
        if item.is_dict and (result := either(item, "functionResponse", "function_response")):
            response = result["response"]
            yield ToolResult(
                call_id=result["id"].text(),
                name=result["name"].text(),
                path=response.path,
                failed=response.is_dict and bool(response["error"]),
            )


def _present(node: Node, *names: tuple[str, str]) -> Iterator[Node]:
    for camel, snake in names:
        if member := either(node, camel, snake):
            yield member


def _result_segments(response: Node) -> Iterator[Segment]:
    """A result is an object of the client's own making: each of its members is a text."""
    if not response.is_dict:
        yield from _one(response, Part.TOOL_RESULT)
        return
    for _, member in response.members():
        yield from _one(member, Part.TOOL_RESULT)


def _one(node: Node, part: Part) -> Iterator[Segment]:
    if segment := node.segment(part):
        yield segment
