"""The event stream of a Cohere message: a plan and calls, or thoughts and text, and what is billed at its end."""

from __future__ import annotations

from collections.abc import Iterator

from midwatch.simulated.call import Json
from midwatch.simulated.transport.framing import DONE, Template, hole, named_event
from midwatch.simulated.turn import Turn


def stream_events(name: str, turn: Turn, calls: list[Json], closing: Json) -> Iterator[bytes]:
    """All events, from `message-start` to `message-end` and `[DONE]`."""
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield named_event("message-start", {"id": name, "type": "message-start", "delta": {"message": empty}})
    if calls:
        yield from _filled("tool-plan-delta", {}, {"tool_plan": hole()}, turn.reply)
    else:
        blocks = [("thinking", turn.thinking)] if turn.thinking else []
        for index, (kind, tokens) in enumerate([*blocks, ("text", turn.reply)]):
            yield from _content(index, kind, tokens)
    for index, (call, tool) in enumerate(zip(calls, turn.calls, strict=True)):
        yield from _call(index, call, tool.pieces)
    yield named_event("message-end", {"type": "message-end", "delta": closing})
    yield DONE


def _content(index: int, kind: str, tokens: tuple[str, ...]) -> Iterator[bytes]:
    at = {"index": index}
    yield _event("content-start", at, {"content": {"type": kind, kind: ""}})
    yield from _filled("content-delta", at, {"content": {kind: hole()}}, tokens)
    yield named_event("content-end", {"type": "content-end", **at})


def _call(index: int, call: Json, pieces: tuple[str, ...]) -> Iterator[bytes]:
    at = {"index": index}
    function = {"name": call["function"]["name"], "arguments": ""}
    yield _event("tool-call-start", at, {"tool_calls": call | {"function": function}})
    yield from _filled("tool-call-delta", at, {"tool_calls": {"function": {"arguments": hole()}}}, pieces)
    yield named_event("tool-call-end", {"type": "tool-call-end", **at})


def _event(kind: str, at: Json, message: Json) -> bytes:
    return named_event(kind, {"type": kind, **at, "delta": {"message": message}})


def _filled(kind: str, at: Json, message: Json, tokens: tuple[str, ...]) -> Iterator[bytes]:
    yield from map(Template(_event(kind, at, message)).fill, tokens)
