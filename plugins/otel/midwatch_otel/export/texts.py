"""The texts of an exchange in the conventions' structured form, as they are stored: what was masked stays so.

https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-input-messages.json
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson

from midwatch_core import Exchange, Json, Part, Request, Response, Segment

# What the texts of one span may have, in characters; what is beyond is left out, and the span says so.
MOST_CHARACTERS = 1_000_000
_UNNAMED = "_OTHER"
_DEEPEST = 20
_ROLES: Mapping[Part, str] = {
    Part.USER: "user",
    Part.DOCUMENT: "user",
    Part.EMBEDDING_INPUT: "user",
    Part.ASSISTANT: "assistant",
    Part.REASONING: "assistant",
    Part.TOOL_CALL: "assistant",
    Part.TOOL_RESULT: "tool",
}


def text_attributes(exchange: Exchange) -> dict[str, Json]:
    """The attributes that hold texts; empty lists are left out."""
    room = _Room(MOST_CHARACTERS)
    request, response = exchange.request, exchange.response
    system = [item for item in request.segments if item.part is Part.SYSTEM]
    found: dict[str, Any] = {
        "gen_ai.system_instructions": [{"type": "text", "content": item.text} for item in room.let(system)],
        "gen_ai.input.messages": _asked(request, room),
        "gen_ai.output.messages": _answered(response, room) if response is not None else [],
    }
    found = {name: value for name, value in found.items() if value}
    if room.full:
        found["midwatch.content.truncated"] = True
    return found


class _Room:
    """How many characters are left."""

    def __init__(self, characters: int) -> None:
        self._left = characters
        self.full = False

    def let(self, segments: Iterable[Segment]) -> list[Segment]:
        """Those of the segments that there is room for, whole."""
        some = []
        for item in segments:
            if len(item.text) > self._left:
                self.full = True
                continue
            self._left -= len(item.text)
            some.append(item)
        return some


def _asked(request: Request, room: _Room) -> list[dict[str, Any]]:
    """Neighbours of one role and one place in the body are one message."""
    results = {result.path: result for result in request.tool_results}

    def part(item: Segment) -> dict[str, Any]:
        if item.part is Part.TOOL_RESULT:
            told = next((results[path] for path in _above(item.path) if path in results), None)
            return {"type": "tool_call_response", "id": told.call_id if told else None, "response": item.text}
        return _part(item, {})

    told = room.let(item for item in request.segments if item.part in _ROLES)
    return [
        {"role": role, "parts": [part(item) for item in items]}
        for (role, _), items in groupby(told, key=lambda item: (_ROLES[item.part], _message_of(item.path)))
    ]


def _answered(response: Response, room: _Room) -> list[dict[str, Any]]:
    calls = {call.path: (call.id, call.name) for call in response.tool_calls}
    parts = [_part(item, calls) for item in room.let(response.segments)]
    reason = response.finish_reason.value if response.finish_reason else "error"
    return [{"role": "assistant", "parts": parts, "finish_reason": reason}] if parts else []


def _part(item: Segment, calls: Mapping[str, tuple[str | None, str]]) -> dict[str, Any]:
    if item.part is Part.TOOL_CALL:
        call_id, name = next((calls[path] for path in _above(item.path) if path in calls), (None, _UNNAMED))
        return {"type": "tool_call", "id": call_id, "name": name, "arguments": _arguments(item.text)}
    return {"type": "reasoning" if item.part is Part.REASONING else "text", "content": item.text}


def _above(path: str) -> Sequence[str]:
    """A place, and the places that it is in, nearest first."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _message_of(path: str) -> str:
    """The message that a text is in: the list and the number in it."""
    return "/".join(path.split("/")[:3])


def _arguments(text: str) -> Json:
    """The arguments as an object, where they are one that a collector can read: protobuf's readers go 100 deep."""
    try:
        found: Json = orjson.loads(text)
    except ValueError:
        return text
    return found if _is_shallow(found, _DEEPEST) else text


def _is_shallow(value: Json, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_is_shallow(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels > 0 and all(_is_shallow(item, levels - 1) for item in value)
    return True
