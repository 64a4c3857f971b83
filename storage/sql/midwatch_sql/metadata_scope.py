"""Scope and limit of a question."""

from collections.abc import Mapping
from typing import Any

from midwatch_core import Scope, StorageError


def within(scope: Scope) -> tuple[str, dict[str, Any]]:
    """The condition that a row's `tenant` is in scope, and its values: what has no tenant is in a scope of all only."""
    if scope.tenants is None:
        return "1 = 1", {}
    values = {f"tenant_{number}": name for number, name in enumerate(sorted(scope.tenants))}
    marks = ", ".join(f":{name}" for name in values)
    return (f"tenant IN ({marks})" if marks else "1 = 0"), values


def holding(asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The condition that all conditions whose value is given hold, and their values: each ends in `:name`."""
    given = {condition: value for condition, value in asked.items() if value is not None}
    return " AND ".join(given) or "1 = 1", {name.rpartition(":")[2]: value for name, value in given.items()}


def check_limit(limit: int, what: str) -> None:
    """Raises StorageError for a page that would hold nothing."""
    if limit < 1:
        raise StorageError(f"a page of {limit} {what}: at least 1 is needed")
