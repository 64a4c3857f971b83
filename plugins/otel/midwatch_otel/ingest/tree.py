"""Lists that a convention spreads over attributes (`llm.input_messages.0.message.role`), put together again.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md#attribute-naming-conventions
"""

from collections.abc import Mapping
from typing import Any

from midwatch_core import Json

# The deepest that any convention goes is nine.
_DEEPEST = 16
_LONGEST_INDEX = 6


def spread_list(attributes: Mapping[str, Json], prefix: str) -> list[Json]:
    """The list under `prefix`: objects and lists as nested as the names say; what is no item of it is left out."""
    start = f"{prefix}."
    root: dict[str, Any] = {}
    for name, value in attributes.items():
        if name.startswith(start):
            parts = name[len(start) :].split(".")
            if len(parts) <= _DEEPEST and _is_index(parts[0]):
                _set(root, parts, value)
    built = _built(root)
    return built if isinstance(built, list) else []


def _set(place: dict[str, Any], parts: list[str], value: Json) -> None:
    for part in parts[:-1]:
        below = place.setdefault(part, {})
        if not isinstance(below, dict):
            return  # a name that is both a value and a branch: the value came first
        place = below
    place.setdefault(parts[-1], value)


def _built(value: Any) -> Any:
    """Branches whose names are all numbers are lists, in the numbers' order."""
    if not isinstance(value, dict) or not value:
        return value
    if all(map(_is_index, value)):
        return [_built(value[key]) for key in sorted(value, key=int)]
    return {key: _built(item) for key, item in value.items()}


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _LONGEST_INDEX
