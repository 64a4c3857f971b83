"""Scope and limit of a question."""

from typing import Any

from midwatch_core import Scope, StorageError


def within(scope: Scope) -> tuple[str, dict[str, Any]]:
    """The condition that a row's `tenant` is in scope, and its values: what has no tenant is in a scope of all only."""
    if scope.tenants is None:
        return "1 = 1", {}
    values = {f"tenant_{number}": name for number, name in enumerate(sorted(scope.tenants))}
    marks = ", ".join(f":{name}" for name in values)
    return (f"tenant IN ({marks})" if marks else "1 = 0"), values


def check_limit(limit: int, what: str) -> None:
    """Raises StorageError for a page that would hold nothing."""
    if limit < 1:
        raise StorageError(f"a page of {limit} {what}: at least 1 is needed")
