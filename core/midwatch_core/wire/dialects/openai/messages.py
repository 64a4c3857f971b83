"""Messages of the chat shape, in requests and in answers: content, reasoning and tool calls as segments."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.node import Node

_PART_OF_ROLE = {
    "system": Part.SYSTEM,
    "developer": Part.SYSTEM,
    "user": Part.USER,
    "assistant": Part.ASSISTANT,
    "model": Part.ASSISTANT,
    "tool": Part.TOOL_RESULT,
    "function": Part.TOOL_RESULT,
}
# Pictures, sound and files travel as base64 or by address: no text of theirs is here.
_NO_TEXT = frozenset(
    {
        "audio",
        "audio_url",
        "document_url",
        "file",
        "image",
        "image_file",
        "image_url",
        "input_audio",
        "input_file",
        "input_image",
        "video",
        "video_url",
    }
)
_MAX_DEPTH = 8
_CALLS = frozenset({"tool_calls", "function_call"})
_REASONING = frozenset({"reasoning_content", "reasoning", "reasoning_details", "reasoning_text"})
# What a message may say beside its content; most have nothing of it.
_BESIDE_CONTENT = _CALLS | _REASONING | {"audio", "refusal"}
_DEFINITIONS = frozenset({"tools", "functions"})


def part_of_role(role: str | None) -> Part:
    """The part of a message's text; an unknown role counts as the user, whom detectors watch closest."""
    return _PART_OF_ROLE.get(role or "", Part.USER)


def read_messages(messages: Node) -> Iterator[Segment]:
    """Every text of a request's messages."""
    for message in messages:
        if message.is_str:
            yield from _one(message.segment(Part.USER))
        elif message:
            yield from read_message(message, part_of_role(message["role"].text()))


def read_message(message: Node, part: Part) -> Iterator[Segment]:
    """Every text of one message, tool calls' arguments included."""
    if message.lacks(_BESIDE_CONTENT):
        yield from read_content(message["content"], part)
        return
    yield from read_reasoning(message)
    yield from read_content(message["content"], part)
    yield from _one(message["refusal"].segment(Part.ASSISTANT))
    if message["audio"]:
        yield from _one(message["audio"]["transcript"].segment(Part.ASSISTANT))
    for _, _, arguments in _calls(message):
        yield from _one(arguments.segment(Part.TOOL_CALL))


def read_reasoning(message: Node) -> Iterator[Segment]:
    """Reasoning in each of its fields: DeepSeek and vLLM, OpenRouter and Groq, Copilot, OpenRouter's details."""
    yield from _one(message["reasoning_content"].segment(Part.REASONING))
    yield from _one(message["reasoning"].segment(Part.REASONING))
    yield from _one(message["reasoning_text"].segment(Part.REASONING))
    for detail in message["reasoning_details"]:
        yield from _one(detail["text"].segment(Part.REASONING))
        yield from _one(detail["summary"].segment(Part.REASONING))


def read_content(content: Node, part: Part, depth: int = 0) -> Iterator[Segment]:
    """The texts of a message's content: a string, a list of parts, or one part alone."""
    if content.is_str or depth > _MAX_DEPTH:
        yield from _one(content.segment(part))
    elif content.is_list:
        for item in content:
            yield from read_content(item, part, depth + 1)
    elif content.is_dict:
        yield from _read_part(content, part, depth + 1)
    elif content:
        content.wrong("a string or a list of parts")


def _read_part(item: Node, part: Part, depth: int) -> Iterator[Segment]:
    kind = item["type"].value
    if isinstance(kind, str) and kind in _NO_TEXT:
        return
    if kind == "thinking":  # Mistral
        yield from read_content(item["thinking"], Part.REASONING, depth)
    elif kind == "refusal":
        yield from _one(item["refusal"].segment(Part.ASSISTANT))
    else:
        yield from _one(item["text"].segment(part))
        yield from read_content(item["content"], part, depth)


def read_tool_calls(message: Node) -> Iterator[ToolCall]:
    """The tools that an answer's message calls."""
    for tool_id, name, arguments in _calls(message):
        if name:
            yield ToolCall(id=tool_id, name=name, path=arguments.path)


def read_tool_results(messages: Node) -> Iterator[ToolResult]:
    """What the client's tools brought; the legacy single function is told by its name alone."""
    for message in messages:
        if message.is_dict and message["role"].value in ("tool", "function"):
            yield ToolResult(
                call_id=message["tool_call_id"].text(), name=message["name"].text(), path=message["content"].path
            )


def _calls(message: Node) -> Iterator[tuple[str | None, str | None, Node]]:
    """Id, name and arguments of each call: functions, custom tools, and the legacy single function."""
    if message.lacks(_CALLS):
        return
    for call in message["tool_calls"]:
        custom = call["custom"]
        target = custom or call["function"]
        yield call["id"].text(), target["name"].text(), target["input" if custom else "arguments"]
    legacy = message["function_call"]
    if legacy:
        yield None, legacy["name"].text(), legacy["arguments"]


def read_all_tool_definitions(body: Node) -> list[tuple[str | None, Segment]]:
    """The same for a request's tools and for the legacy functions."""
    if body.lacks(_DEFINITIONS):
        return []
    return [*read_tool_definitions(body["tools"]), *read_tool_definitions(body["functions"])]


def read_tool_definitions(tools: Node) -> Iterator[tuple[str | None, Segment]]:
    """Name and definition of each tool offered; a built-in tool's name is its type."""
    for tool in tools:
        segment = tool.segment(Part.TOOL_DEFINITION)
        if segment is not None:
            yield _tool_name(tool), segment


def _tool_name(tool: Node) -> str | None:
    if not tool.is_dict:
        return tool.text()
    for holder in (tool["function"], tool["custom"], tool):
        if holder.is_dict and (name := holder["name"].text()):
            return name
    return tool["server_label"].text() or tool["type"].text()


def _one(segment: Segment | None) -> tuple[Segment, ...]:
    return () if segment is None else (segment,)
