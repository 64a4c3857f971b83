"""Scope, filter and cursor as the conditions of a SELECT over exchanges."""

from typing import Any

from midwatch_core import ExchangeFilter, Scope, decode_cursor, microseconds

_EQUAL = ("tenant", "provider", "model", "app", "agent", "trace_id", "status")


def conditions(scope: Scope, wanted: ExchangeFilter, cursor: str | None = None) -> tuple[str, list[Any]]:
    """The condition, and the values of its question marks. Raises StorageError for what is no moment or cursor."""
    words, values = ["1 = 1"], list[Any]()
    if scope.tenants is not None:
        words.append(f"tenant IN ({marks(len(scope.tenants))})")
        values += sorted(scope.tenants)
    for name in _EQUAL:
        if (value := getattr(wanted, name)) is not None:
            words.append(f"{name} = ?")
            values.append(value)
    if wanted.since is not None:
        words.append("started_at >= ?")
        values.append(microseconds(wanted.since))
    if wanted.until is not None:
        words.append("started_at < ?")
        values.append(microseconds(wanted.until))
    if cursor is not None:
        started_at, exchange_id = decode_cursor(cursor)
        words.append("(started_at, id) < (?, ?)")
        values += [microseconds(started_at), exchange_id]
    return " AND ".join(words), values


def marks(count: int) -> str:
    """As many question marks; for none NULL, which nothing equals."""
    return ", ".join("?" * count) or "NULL"
