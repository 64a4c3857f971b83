"""JSON that gives back exactly what went in, also numbers above 64 bits."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

# Marks what the standard library wrote, and must read again: orjson would make floats of its large numbers.
_STANDARD = b" "


def _plain(value: object) -> Any:
    """Money travels as text: a cost must not lose digits."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def dump_json(value: object) -> bytes:
    """`value` as JSON. Raises TypeError, ValueError, RecursionError for what JSON can't say."""
    try:
        return orjson.dumps(value, default=_plain)
    except orjson.JSONEncodeError:
        return _STANDARD + json.dumps(_standard(value), separators=(",", ":")).encode()


def _standard(value: Any) -> Any:
    """`value` in what the standard library can write: dataclasses, moments and money as orjson would put them."""
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {key: _standard(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_standard(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return _standard({field.name: getattr(value, field.name) for field in fields(value)})
    return _standard(_plain(value))


def load_json(data: bytes) -> Any:
    """What `dump_json` wrote. Raises ValueError."""
    return json.loads(data) if data[:1] == _STANDARD else orjson.loads(data)
