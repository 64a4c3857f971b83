"""The events of one response of the Realtime protocol: items opened, filled piece by piece and closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from midwatch.simulated.call import Json
from midwatch.simulated.openai.realtime_audio import speech
from midwatch.simulated.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """One response under way. `base` is the response object; `cancelled` is asked before each piece."""

    base: Json
    items: list[Json]
    turn: Turn
    spoken: bool
    usage: Json
    in_conversation: bool
    cancelled: Callable[[], bool]

    @property
    def id(self) -> str:
        """The response's id."""
        return str(self.base["id"])


def response_events(answering: Answering) -> Iterator[Json]:
    """All events, from `response.created` to `response.done`."""
    yield {"type": "response.created", "response": answering.base | {"status": "in_progress"}}
    calls = iter(answering.turn.calls)
    finished: list[Json] = []
    for index, item in enumerate(answering.items):
        where = {"response_id": answering.id, "output_index": index}
        empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
        opened = item | {"status": "in_progress"} | empty
        yield {"type": "response.output_item.added", **where, "item": opened}
        if answering.in_conversation:
            yield {"type": "conversation.item.added", "item": opened, "previous_item_id": None}
        if item["type"] == "message":
            yield from _message(item, where | {"item_id": item["id"]}, answering)
        else:
            yield from _call(item, where | {"item_id": item["id"], "call_id": item["call_id"]}, next(calls).pieces)
        if answering.cancelled():
            return (yield from _cancelled(answering, finished))
        yield {"type": "response.output_item.done", **where, "item": item}
        finished.append(item)
        if answering.in_conversation:
            yield {"type": "conversation.item.done", "item": item, "previous_item_id": None}
    yield {"type": "response.done", "response": answering.base | _outcome(answering.turn, finished, answering.usage)}
    yield {"type": "rate_limits.updated", "rate_limits": [{"name": "requests", "limit": 1000, "remaining": 999}]}
    return None


def _cancelled(answering: Answering, finished: list[Json]) -> Iterator[Json]:
    details = {"type": "cancelled", "reason": "client_cancelled"}
    ending = {"status": "cancelled", "status_details": details, "output": finished, "usage": answering.usage}
    yield {"type": "response.done", "response": answering.base | ending}


def _outcome(turn: Turn, items: list[Json], usage: Json) -> Json:
    details = {"type": "incomplete", "reason": "max_output_tokens"} if turn.truncated else None
    status = "incomplete" if turn.truncated else "completed"
    return {"status": status, "status_details": details, "output": items, "usage": usage}


def _message(item: Json, where: Json, answering: Answering) -> Iterator[Json]:
    place = where | {"content_index": 0}
    kind, member = ("audio", "transcript") if answering.spoken else ("text", "text")
    name = "response.output_audio_transcript" if answering.spoken else "response.output_text"
    yield {"type": "response.content_part.added", **place, "part": {"type": kind, member: ""}}
    for token in answering.turn.reply:
        if answering.cancelled():
            return
        yield {"type": f"{name}.delta", **place, "delta": token}
        if answering.spoken:
            yield {"type": "response.output_audio.delta", **place, "delta": speech(token)}
    if answering.spoken:
        yield {"type": "response.output_audio.done", **place}
    text = item["content"][0][member]
    yield {"type": f"{name}.done", **place, member: text}
    yield {"type": "response.content_part.done", **place, "part": {"type": kind, member: text}}


def _call(item: Json, where: Json, pieces: tuple[str, ...]) -> Iterator[Json]:
    for piece in pieces:
        yield {"type": "response.function_call_arguments.delta", **where, "delta": piece}
    done: dict[str, Any] = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **where, **done}
