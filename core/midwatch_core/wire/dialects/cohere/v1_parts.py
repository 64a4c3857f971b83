"""Texts of Cohere's chat of version 1 (docs.cohere.com/v1/reference/chat): requests, answers, their history."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolCall
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.cohere.messages import document_segments, one, part_of_role
from midwatch_core.wire.node import Node


def request_segments(body: Node) -> Iterator[Segment]:
    """What is asked: preamble, documents, the talk so far, the message, and what tools brought."""
    yield from one(body["preamble"], Part.SYSTEM)
    for document in body["documents"]:
        yield from document_segments(document, Part.DOCUMENT)
    yield from _history(body["chat_history"])
    yield from one(body["message"], Part.USER)
    yield from _results(body["tool_results"])


def answer_segments(body: Node) -> Iterator[Segment]:
    """What is answered. The history at its end has the answer once more: who hides a text must hide it there too."""
    yield from one(body["text"], Part.ASSISTANT)
    yield from _calls(body["tool_calls"])
    for query in body["search_queries"]:
        yield from one(query["text"], Part.ASSISTANT)
    for document in body["documents"]:
        yield from document_segments(document, Part.DOCUMENT)
    for citation in body["citations"]:
        yield from one(citation["text"], Part.DOCUMENT)
    yield from _history(body["chat_history"])


def tool_calls(body: Node) -> Iterator[ToolCall]:
    """The tools that are called: they have no ids."""
    for call in body["tool_calls"]:
        if name := call["name"].text():
            yield ToolCall(id=None, name=name, path=call["parameters"].path)


def _history(turns: Node) -> Iterator[Segment]:
    for turn in turns:
        yield from one(turn["message"], part_of_role(turn["role"].text()))
        yield from _calls(turn["tool_calls"])
        yield from _results(turn["tool_results"])


def _calls(calls: Node) -> Iterator[Segment]:
    for call in calls:
        yield from one(call["parameters"], Part.TOOL_CALL)


def _results(results: Node) -> Iterator[Segment]:
    for result in results:
        yield from one(result["call"]["parameters"], Part.TOOL_CALL)
        for output in result["outputs"]:
            yield from document_segments(output, Part.TOOL_RESULT)
