"""Anthropic's input usage: `input_tokens` *exclude* cache reads and writes; writes are split by lifetime."""

from __future__ import annotations

from typing import Any

from midwatch.simulated.call import Json
from midwatch.simulated.script import Script
from midwatch.simulated.wording import count_tokens, volume


def input_usage(body: Json, total: int, script: Script) -> Json:
    """The input half of `usage` for a prompt of `total` tokens.

    Everything up to the last `cache_control` mark is cacheable; `Script.cached` of it was read, the rest is written,
    under the lifetime that the first mark behind it names (5m unless `ttl` says 1h).
    """
    marks = _marks(body)
    marked = min(sum(size for size, _ in marks), total)
    read = min(script.cached or 0, marked)
    written = {"5m": 0, "1h": 0}
    passed = 0
    for size, ttl in marks:
        upper = min(passed + size, marked)
        written[ttl] += max(upper - max(passed, read), 0)
        passed = upper
    return {
        "input_tokens": total - marked,
        "cache_creation_input_tokens": marked - read,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written["5m"],
            "ephemeral_1h_input_tokens": written["1h"],
        },
    }


def _marks(body: Json) -> list[tuple[int, str]]:
    """(tokens, lifetime) of each cacheable stretch, in Anthropic's order: tools, system, messages."""
    stretches: list[tuple[int, str]] = []
    pending = 0
    for block in _blocks(body):
        pending += volume(block)
        control = block.get("cache_control") if isinstance(block, dict) else None
        if isinstance(control, dict):
            stretches.append((count_tokens(pending), "1h" if control.get("ttl") == "1h" else "5m"))
            pending = 0
    return stretches


def _blocks(body: Json) -> list[Any]:
    blocks = _listed(body.get("tools")) + _listed(body.get("system"))
    for message in _listed(body.get("messages")):
        blocks += _listed(message.get("content")) if isinstance(message, dict) else []
    return blocks


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
