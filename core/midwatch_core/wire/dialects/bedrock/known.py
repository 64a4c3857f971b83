"""Texts in bodies of formats that are not known in full: every string under a name that says it is one."""

from collections.abc import Iterator

from midwatch_core.model.content import ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.anthropic.blocks import all_texts, one, part_of_role
from midwatch_core.wire.node import Node

# Names of the models' formats on Bedrock (docs.aws.amazon.com/bedrock, "Inference request parameters") and of the
# field's habits; what each holds.
_ASKED = {
    "preamble": Part.SYSTEM,
    "system": Part.SYSTEM,
    "tools": Part.TOOL_DEFINITION,
    "documents": Part.DOCUMENT,
    "tool_results": Part.TOOL_RESULT,
    "inputText": Part.USER,
    "input_text": Part.USER,
    "input": Part.USER,
    "inputs": Part.USER,
    "prompt": Part.USER,
    "text": Part.USER,
    "texts": Part.USER,
    "text_prompts": Part.USER,
    "message": Part.USER,
    "content": Part.USER,
    "query": Part.USER,
    "question": Part.USER,
    "instruction": Part.USER,
}
_ANSWERED = frozenset({"outputText", "output", "outputs", "generation", "text", "content", "answer", "completion"})
_TURNS = ("chat_history", "messages")
# Where texts stand deeper than at the top.
_DEPTH = 6


def asked_texts(body: Node) -> Iterator[Segment]:
    """The texts of a request, in its order."""
    yield from _asked(body, 0)


def answered_texts(body: Node, depth: int = 0) -> Iterator[Segment]:
    """The texts of an answer: strings under names that models' texts have, however deep within bounds."""
    if depth >= _DEPTH:
        return
    if body.is_list:
        for item in body:
            yield from answered_texts(item, depth + 1)
    elif body.is_dict:
        for key, member in body.members():
            if key in _ANSWERED and member.is_str:
                yield from one(member, Part.ASSISTANT)
            elif member.is_list or member.is_dict:
                yield from answered_texts(member, depth + 1)


def tool_results(body: Node) -> Iterator[ToolResult]:
    """What the client's tools brought, as Cohere's format has it: calls have no ids there."""
    for result in body["tool_results"]:
        if result.is_dict:
            yield ToolResult(call_id=None, name=result["call"]["name"].text(), path=result["outputs"].path)


def has_known_texts(body: Node) -> bool:
    """Whether the top of a request has any name that is known."""
    return body.is_dict and any(key in _ASKED or key in _TURNS for key, _ in body.members())


def _asked(body: Node, depth: int) -> Iterator[Segment]:
    if not body.is_dict or depth >= _DEPTH:
        return
    for key, member in body.members():
        if key in _TURNS:
            for turn in member:
                yield from _turn(turn)
        elif key in ("tools", "documents"):
            for item in member:
                yield from one(item, _ASKED[key])
        elif key in _ASKED:
            yield from all_texts(member, _ASKED[key])
        elif member.is_dict:
            yield from _asked(member, depth + 1)


def _turn(turn: Node) -> Iterator[Segment]:
    """One turn of a conversation: Cohere's roles are in capitals, its assistant is a chatbot."""
    if not turn.is_dict:
        yield from all_texts(turn, Part.USER)
        return
    role = (turn["role"].text() or "").lower()
    part = Part.ASSISTANT if role == "chatbot" else part_of_role(role)
    for key in ("message", "content"):
        yield from all_texts(turn[key], part)
