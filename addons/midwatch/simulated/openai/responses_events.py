"""The event stream of a Responses answer: each output item opened, filled piece by piece and closed, all numbered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson

from midwatch.simulated.call import Json
from midwatch.simulated.transport.framing import named_event
from midwatch.simulated.turn import Turn

Numbers = Iterator[int]


def stream_events(started: Json, items: list[Json], finished: Json, turn: Turn) -> Iterator[bytes]:
    """All events, from `response.created` to `response.completed` (or `response.incomplete`)."""
    numbers = count()
    yield _event("response.created", numbers, response=started)
    yield _event("response.in_progress", numbers, response=started)
    calls = iter(turn.calls)
    for index, item in enumerate(items):
        if item["type"] == "reasoning":
            yield from _reasoning(item, index, numbers, turn)
        elif item["type"] == "message":
            yield from _message(item, index, numbers, turn)
        else:
            yield from _call(item, index, numbers, next(calls).pieces)
    yield _event(f"response.{finished['status']}", numbers, response=finished)


def _event(name: str, numbers: Numbers, /, **fields: Any) -> bytes:
    return named_event(name, {"type": name, **fields, "sequence_number": next(numbers)})


def _deltas(name: str, numbers: Numbers, pieces: tuple[str, ...], **fields: Any) -> Iterator[bytes]:
    """Delta events by concatenation: a stream of thousands must not cost thousands of dumps."""
    head = b"event: " + name.encode() + b'\ndata: {"type":"' + name.encode() + b'",'
    head += orjson.dumps(fields)[1:-1] + b',"delta":'
    for piece in pieces:
        yield b'%b%b,"obfuscation":"simulated","sequence_number":%d}\n\n' % (head, orjson.dumps(piece), next(numbers))


def _reasoning(item: Json, index: int, numbers: Numbers, turn: Turn) -> Iterator[bytes]:
    yield _event("response.output_item.added", numbers, item=item | {"summary": []}, output_index=index)
    if item["summary"]:
        where: Json = {"item_id": item["id"], "output_index": index, "summary_index": 0}
        name = "response.reasoning_summary_part"
        text = "response.reasoning_summary_text"
        yield _event(f"{name}.added", numbers, **where, part={"type": "summary_text", "text": ""})
        yield from _deltas(f"{text}.delta", numbers, turn.thinking, **where)
        yield _event(f"{text}.done", numbers, **where, text=turn.thought)
        yield _event(f"{name}.done", numbers, **where, part=item["summary"][0])
    yield _event("response.output_item.done", numbers, item=item, output_index=index)


def _message(item: Json, index: int, numbers: Numbers, turn: Turn) -> Iterator[bytes]:
    where: Json = {"content_index": 0, "item_id": item["id"], "output_index": index}
    part = item["content"][0]
    opened = item | {"status": "in_progress", "content": []}
    yield _event("response.output_item.added", numbers, item=opened, output_index=index)
    yield _event("response.content_part.added", numbers, **where, part=part | {"text": ""})
    yield from _deltas("response.output_text.delta", numbers, turn.reply, **where, logprobs=[])
    yield _event("response.output_text.done", numbers, **where, logprobs=[], text=turn.text)
    yield _event("response.content_part.done", numbers, **where, part=part)
    yield _event("response.output_item.done", numbers, item=item, output_index=index)


def _call(item: Json, index: int, numbers: Numbers, pieces: tuple[str, ...]) -> Iterator[bytes]:
    where: Json = {"item_id": item["id"], "output_index": index}
    freeform = item["type"] == "custom_tool_call"
    event = "response.custom_tool_call_input" if freeform else "response.function_call_arguments"
    member = "input" if freeform else "arguments"
    opened = item | {"status": "in_progress", member: ""}
    yield _event("response.output_item.added", numbers, item=opened, output_index=index)
    yield from _deltas(f"{event}.delta", numbers, pieces, **where)
    yield _event(f"{event}.done", numbers, **where, **{member: item[member]})
    yield _event("response.output_item.done", numbers, item=item, output_index=index)
