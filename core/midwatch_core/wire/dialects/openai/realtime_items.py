"""What is written in OpenAI's Realtime protocol: items, and the settings of a session or of one response.

Types: https://developers.openai.com/api/reference/resources/realtime. Sound is base64 and never decoded; what was
said stands beside it as `transcript`.
"""

from collections.abc import Iterator

from midwatch_core.model.content import ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.openai.items import kind_of, read_item, read_result
from midwatch_core.wire.dialects.openai.messages import part_of_role, read_content
from midwatch_core.wire.node import Node


def read_realtime_item(item: Node, role: Part = Part.USER) -> Iterator[Segment]:
    """Every text of one item; `role` is the part of a message that names no role."""
    if not item.is_dict:
        return
    yield from read_item(item, role)
    if kind_of(item) not in ("", "message") or not item["content"].is_list:
        return
    part = part_of_role(item["role"].text()) if item["role"] else role
    for content in item["content"]:
        if content.is_dict and (said := content["transcript"].segment(part)):
            yield said


def read_settings(settings: Node) -> Iterator[Segment]:
    """Texts of a session's or a response's settings, but for its tools."""
    if not settings.is_dict:
        return
    yield from read_content(settings["instructions"], Part.SYSTEM)
    if settings["prompt"].is_dict:
        for _, variable in settings["prompt"]["variables"].members():
            yield from read_content(variable, Part.USER)


def written_items(body: Node) -> Iterator[Node]:
    """The items of a client's message, and those that our reader put together, in the order in which they were."""
    yield from (item for item in body["items"] if item.is_dict)
    yield body["item"]
    if body["response"].is_dict:
        yield from (item for item in body["response"]["input"] if item.is_dict)


def read_results(body: Node) -> Iterator[ToolResult]:
    """What the client's tools brought."""
    return (result for item in written_items(body) if item.is_dict and (result := read_result(item)))


def audio_bytes_of(encoded: object) -> int:
    """How many bytes of sound a string in base64 stands for; 0 for what is no string."""
    if not isinstance(encoded, str):
        return 0
    return len(encoded.rstrip("=")) * 3 // 4
