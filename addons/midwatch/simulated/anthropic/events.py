"""The event stream of an Anthropic message: every block opened, filled and closed, a ping after the first opening."""

from __future__ import annotations

from collections.abc import Iterator

from midwatch.simulated.call import Json
from midwatch.simulated.transport.framing import Template, hole, named_event
from midwatch.simulated.turn import Turn

_ONLY_AT_START = ("service_tier", "inference_geo", "cache_creation")
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def stream_events(started: Json, blocks: list[Json], turn: Turn, closing: Json, usage: Json) -> Iterator[bytes]:
    """All events, from `message_start` to `message_stop`; usage is cumulative in `message_delta`."""
    yield named_event("message_start", {"type": "message_start", "message": started})
    calls = iter(turn.calls)
    for index, block in enumerate(blocks):
        yield named_event("content_block_start", _start(block, index))
        if index == 0:
            yield _PING
        if block["type"] == "thinking":
            yield from _deltas(index, "thinking_delta", "thinking", turn.thinking)
            yield from _deltas(index, "signature_delta", "signature", (block["signature"],))
        elif block["type"] == "text":
            yield from _deltas(index, "text_delta", "text", turn.reply)
        else:
            yield from _deltas(index, "input_json_delta", "partial_json", ("", *next(calls).pieces))
        yield named_event("content_block_stop", {"type": "content_block_stop", "index": index})
    last = {
        key: value for key, value in usage.items() if key not in ("service_tier", "inference_geo", "cache_creation")
    }
    yield named_event("message_delta", {"type": "message_delta", "delta": closing, "usage": last})
    yield named_event("message_stop", {"type": "message_stop"})


def _start(block: Json, index: int) -> Json:
    empty: dict[str, Json] = {
        "thinking": {"thinking": "", "signature": ""},
        "text": {"text": ""},
        "tool_use": {"input": {}},
    }
    return {"type": "content_block_start", "index": index, "content_block": block | empty[block["type"]]}


def _deltas(index: int, kind: str, field: str, pieces: tuple[str, ...]) -> Iterator[bytes]:
    delta = {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: hole()}}
    yield from map(Template(named_event("content_block_delta", delta)).fill, pieces)
