"""Scope, filter and cursor as conditions of SQL: on time, on trace and session, and on the dimensions of groups."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from midwatch_core import ExchangeFilter, Scope, decode_cursor, microseconds
from midwatch_sql.groups import FILTERED


@dataclass(slots=True)
class Conditions:
    """Conditions that hold at once, and the values of their question marks."""

    words: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        """One more."""
        self.words.append(condition)
        self.values += values

    def __add__(self, other: "Conditions") -> "Conditions":
        return Conditions(self.words + other.words, self.values + other.values)

    def __str__(self) -> str:
        return " AND ".join(self.words) or "1 = 1"


def dimensions_asked(scope: Scope, wanted: ExchangeFilter) -> list[str]:
    """The dimensions that scope and filter say something about."""
    asked = [name for name in FILTERED if getattr(wanted, name) is not None]
    return asked if scope.tenants is None or "tenant" in asked else ["tenant", *asked]


def of_dimensions(scope: Scope, wanted: ExchangeFilter) -> Conditions:
    """Those that exchanges and groups alike can be asked."""
    found = Conditions()
    if scope.tenants is not None:
        found.add(f"tenant IN ({marks(len(scope.tenants))})", *sorted(scope.tenants))
    for name in FILTERED:
        if (value := getattr(wanted, name)) is not None:
            found.add(f"{name} = ?", value)
    return found


def of_time(wanted: ExchangeFilter, cursor: str | None = None) -> Conditions:
    """Those on when an exchange began. Raises StorageError for what is no moment or cursor."""
    found = Conditions()
    if wanted.since is not None:
        found.add("started_at >= ?", microseconds(wanted.since))
    if wanted.until is not None:
        found.add("started_at < ?", microseconds(wanted.until))
    if cursor is not None:
        started_at, exchange_id = decode_cursor(cursor)
        found.add("(started_at, id) < (?, ?)", microseconds(started_at), exchange_id)
    return found


def of_conversation(wanted: ExchangeFilter) -> Conditions:
    """Those on trace and session; none where the filter names neither."""
    found = Conditions()
    if wanted.trace_id is not None:
        found.add("trace_id = ?", wanted.trace_id)
    if wanted.session is not None:
        found.add("session = ?", wanted.session)
    return found


def joined(parts: Iterable[Conditions]) -> Conditions:
    """All of them."""
    return sum(parts, Conditions())


def marks(count: int) -> str:
    """As many question marks; for none NULL, which nothing equals."""
    return ", ".join("?" * count) or "NULL"
