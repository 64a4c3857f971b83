"""Server-sent events and NDJSON lines out of JSON values, cheaply: a template where only a token changes."""

from __future__ import annotations

from typing import Any

import orjson

DONE = b"data: [DONE]\n\n"
_MARK = "\u0001mark\u0001"
_MARK_JSON = orjson.dumps(_MARK)


def data_event(value: Any) -> bytes:
    """`data: {…}` and a blank line."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def named_event(name: str, value: Any) -> bytes:
    """`event: name`, `data: {…}` and a blank line."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"


def line(value: Any) -> bytes:
    """One NDJSON line."""
    return orjson.dumps(value) + b"\n"


def hole() -> str:
    """A value to put where a template's text goes (see `Template`)."""
    return _MARK


class Template:
    """Bytes with one hole for a JSON string, so that an event costs two concatenations and not a whole dump."""

    __slots__ = ("_after", "_before")

    def __init__(self, rendered: bytes) -> None:
        self._before, _, self._after = rendered.partition(_MARK_JSON)

    def fill(self, text: str) -> bytes:
        """The bytes with `text` in the hole."""
        return self._before + orjson.dumps(text) + self._after
