"""Converse's content blocks: which texts they hold and what part each plays, and what media stand among them."""

from collections import Counter
from collections.abc import Callable, Iterator

from midwatch_core.model.content import ToolCall, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.anthropic.blocks import all_texts, one, part_of_role
from midwatch_core.wire.node import Node

MEDIA = ("image", "video", "audio", "document")
# Counted, switches without a text, or references to tools that were defined elsewhere.
_SILENT = frozenset({"image", "video", "audio", "cachePoint", "toolAddition", "toolRemoval"})
# Formats of a document whose bytes are text: readers of encoded text find what is in the base64.
_TEXTUAL = frozenset({"txt", "md", "csv", "html"})

_IN_RESULTS = frozenset({"text", "json", "document", "searchResult"})

type _Reader = Callable[[Node, Part], Iterator[Segment]]


def content_segments(content: Node, part: Part) -> Iterator[Segment]:
    """The texts of a message's `content`."""
    for block in content:
        yield from block_segments(block, part)


def block_segments(block: Node, part: Part) -> Iterator[Segment]:
    """The texts of one block said by `part`. A kind that is not known is searched for any text."""
    for kind, value in block.members():
        if kind in _SILENT or not value:
            continue
        yield from _READERS.get(kind, all_texts)(value, part)


def message_segments(messages: Node) -> Iterator[Segment]:
    """The texts of a conversation."""
    for message in messages:
        yield from content_segments(message["content"], part_of_role(message["role"].text()))


def tool_calls(content: Node) -> Iterator[ToolCall]:
    """The tools called in a `content`, the provider's own ones included."""
    for block in content:
        call = block["toolUse"] if block.is_dict else None
        if call and (name := call["name"].text()):
            yield ToolCall(id=call["toolUseId"].text(), name=name, path=call["input"].path)


def tool_results(messages: Node) -> Iterator[ToolResult]:
    """What the client's tools brought; results of the provider's own tools have a type, and stand in its answers."""
    for message in messages:
        for block in message["content"]:
            result = block["toolResult"] if block.is_dict else None
            if result and not result["type"]:
                yield ToolResult(
                    call_id=result["toolUseId"].text(),
                    path=result["content"].path,
                    failed=result["status"].value == "error",
                )


def media(messages: Node) -> dict[str, int]:
    """How many images, videos, recordings and documents the messages bring, those in tools' results included."""
    counts: Counter[str] = Counter()
    for message in messages:
        blocks = list(message["content"])
        for block in list(blocks):
            if block.is_dict and (result := block["toolResult"]):
                blocks += list(result["content"])
        counts.update(kind for block in blocks if block.is_dict for kind in MEDIA if block[kind])
    return dict(counts)


def _text(value: Node, part: Part) -> Iterator[Segment]:
    yield from one(value, part)


def _tool_use(value: Node, part: Part) -> Iterator[Segment]:
    yield from one(value["input"], Part.TOOL_CALL)


def _tool_result(value: Node, part: Part) -> Iterator[Segment]:
    """A result in a result is none: what nests so is searched only as deep as anything unknown."""
    for item in value["content"]:
        for kind, member in item.members():
            reader = _READERS.get(kind, all_texts) if kind in _IN_RESULTS else all_texts
            if kind not in _SILENT:
                yield from reader(member, Part.TOOL_RESULT)


def _reasoning(value: Node, part: Part) -> Iterator[Segment]:
    yield from one(value["reasoningText"]["text"], Part.REASONING)


def _guarded(value: Node, part: Part) -> Iterator[Segment]:
    """What a guardrail is to look at; as a source to be checked against, it is a document."""
    source = any(item.value == "grounding_source" for item in value["text"]["qualifiers"])
    yield from one(value["text"]["text"], Part.DOCUMENT if source else part)


def _document(value: Node, part: Part) -> Iterator[Segment]:
    yield from one(value["name"], Part.DOCUMENT)
    yield from one(value["context"], Part.DOCUMENT)
    yield from one(value["source"]["text"], Part.DOCUMENT)
    for item in value["source"]["content"]:
        yield from one(item["text"], Part.DOCUMENT)
    if value["format"].text() in _TEXTUAL:
        yield from one(value["source"]["bytes"], Part.DOCUMENT)


def _search_result(value: Node, part: Part) -> Iterator[Segment]:
    yield from one(value["title"], Part.DOCUMENT)
    yield from one(value["source"], Part.DOCUMENT)
    for item in value["content"]:
        yield from one(item["text"], Part.DOCUMENT)


def _cited(value: Node, part: Part) -> Iterator[Segment]:
    for item in value["content"]:
        yield from one(item["text"], part)
    for citation in value["citations"]:
        yield from citation_segments(citation)


def citation_segments(citation: Node) -> Iterator[Segment]:
    """What a citation quotes, and the title it gives."""
    yield from one(citation["title"], Part.DOCUMENT)
    for item in citation["sourceContent"]:
        yield from one(item["text"], Part.DOCUMENT)


_READERS: dict[str, _Reader] = {
    "text": _text,
    "json": _text,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "guardContent": _guarded,
    "document": _document,
    "searchResult": _search_result,
    "citationsContent": _cited,
}
