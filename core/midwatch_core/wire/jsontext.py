"""JSON as clients and providers really send it: read in full, or as far as it goes, and never raising."""

import json
import math
from typing import Any

import orjson
from pydantic_core import from_json

from midwatch_core.model.content import Json

# Truncated or odd bodies take a slower reader; above this they are not worth the time on a proxy's loop.
_SECOND_CHANCE_BYTES = 4 * 1024 * 1024


def parse(data: bytes) -> tuple[Json, str | None]:
    """The document in `data` and None, or what could be read of it and where reading stopped."""
    try:
        return orjson.loads(data), None
    except orjson.JSONDecodeError as error:
        where = f"not JSON at byte {_byte_offset(data, error.pos)}: {error.msg}"
    if len(data) > _SECOND_CHANCE_BYTES:
        return None, where
    lenient = _lenient(data)
    if lenient is not None:
        return lenient, None
    return _partial(data), where


def load(data: bytes) -> Any:
    """One stream event's document, as untyped as it came. Raises ValueError where it is not JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        document = _lenient(data) if len(data) <= _SECOND_CHANCE_BYTES else None
        if document is None:
            raise ValueError(f"not JSON: {error.msg}") from error
    return document


def _byte_offset(data: bytes, characters: int) -> int:
    """orjson counts in characters; a reader of hex dumps counts in bytes."""
    return min(len(data), len(data.decode("utf-8", "replace")[:characters].encode("utf-8", "replace")))


def _lenient(data: bytes) -> Json:
    """NaN, Infinity, lone surrogates, bytes that are no UTF-8: other readers pass them, orjson (rightly) does not."""
    try:
        return _mend(json.loads(data))
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    except (ValueError, RecursionError):
        return None
    try:
        return _mend(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _mend(value: Json) -> Json:
    """What UTF-8 and JSON can hold: U+FFFD for a lone surrogate, null for a number that is none."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {str(_mend(key)): _mend(item) for key, item in value.items()}
    return value


def _partial(data: bytes) -> Json:
    try:
        value: Json = from_json(data, allow_partial="trailing-strings")
    except ValueError:
        return None
    return value


def compact(value: Json) -> str:
    """`value` as compact JSON text, keys in their order; empty for a nesting that no reader would follow either."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        pass  # numbers above 64 bits, or deeper than orjson goes
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
