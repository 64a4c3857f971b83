"""Conditions on calls, as words of a command: `provider=openai`, `finding=pii/*`, `cost>0.01`."""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

type Condition = Callable[[Mapping[str, Any]], bool]

_TEXTS = ("provider", "model", "operation", "action", "finding", "status", "finish", "error")
_NUMBERS = {"cost": ("cost_usd",), "tokens": ("input_tokens", "output_tokens")}
_COLUMNS = {"finding": "findings", "finish": "finish_reason"}
_LIKE = re.compile(rf"({'|'.join(_TEXTS)})(?:=(.+))?")
_ABOVE = re.compile(rf"({'|'.join(_NUMBERS)})>(\d+(?:\.\d+)?)")


def condition_of(word: str) -> Condition:
    """A condition on a call's row. Raises ValueError that says what there is.

    `key` alone asks whether there is any; `*` and `?` in a value stand for anything, and case does not matter.
    """
    if found := _LIKE.fullmatch(word):
        return _like(found[1], (found[2] or "?*").lower())
    if found := _ABOVE.fullmatch(word):
        return _above(_NUMBERS[found[1]], float(found[2]))
    raise ValueError(
        f"{word!r} is no condition; there are {', '.join(_TEXTS)} (finding, provider=openai, model=gpt-4o*) and"
        f" {', '.join(_NUMBERS)} (cost>0.01)"
    )


def _like(key: str, pattern: str) -> Condition:
    column = _COLUMNS.get(key, key)

    def holds(row: Mapping[str, Any]) -> bool:
        value = row[column]
        values = value if isinstance(value, list) else [] if value is None else [value]
        return any(fnmatchcase(str(one).lower(), pattern) for one in values)

    return holds


def _above(columns: tuple[str, ...], least: float) -> Condition:
    return lambda row: sum(row[column] or 0 for column in columns) > least
