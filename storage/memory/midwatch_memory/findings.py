"""Findings in memory: which are wanted, after which cursor, and how they are counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from midwatch_core import (
    Exchange,
    FindingCount,
    FindingFilter,
    FindingPage,
    FindingRow,
    Scope,
    Severity,
    check_finding_keys,
    decode_finding_cursor,
    encode_finding_cursor,
    finding_rows,
    microseconds,
    most_findings_first,
)

_EQUAL = (
    "tenant",
    "category",
    "rule",
    "plugin",
    "action",
    "provider",
    "model",
    "app",
    "agent",
    "exchange_id",
    "trace_id",
    "id",
)
_PERIODS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00"}

# A finding's position among those of its exchange, and the finding.
type _Placed = tuple[int, FindingRow]


def page_of(
    exchanges: Iterable[Exchange], scope: Scope, wanted: FindingFilter, limit: int, cursor: str | None
) -> FindingPage:
    """A page of the findings of exchanges, which come newest first. Raises StorageError."""
    rows: list[FindingRow] = []
    last = 0
    for position, row in _after(_wanted(exchanges, scope, wanted), cursor):
        if len(rows) == limit:
            return FindingPage(rows=tuple(rows), cursor=encode_finding_cursor(rows[-1].at, rows[-1].exchange_id, last))
        rows.append(row)
        last = position
    return FindingPage(rows=tuple(rows), cursor=None)


def counts_of(
    exchanges: Iterable[Exchange], scope: Scope, wanted: FindingFilter, by: Sequence[str]
) -> list[FindingCount]:
    """Findings counted by group. Raises StorageError."""
    check_finding_keys(by)
    counts = Counter(_group_of(row, by) for _, row in _wanted(exchanges, scope, wanted))
    return most_findings_first(FindingCount(group=group, findings=count) for group, count in counts.items())


def _wanted(exchanges: Iterable[Exchange], scope: Scope, wanted: FindingFilter) -> Iterator[_Placed]:
    for moment in (wanted.since, wanted.until):
        if moment is not None:
            microseconds(moment)
    return (
        (position, row)
        for exchange in exchanges
        for position, row in enumerate(finding_rows(exchange))
        if _matches(row, scope, wanted)
    )


def _matches(row: FindingRow, scope: Scope, wanted: FindingFilter) -> bool:
    if not scope.allows(row.tenant):
        return False
    if wanted.since is not None and row.at < wanted.since:
        return False
    if wanted.until is not None and row.at >= wanted.until:
        return False
    if wanted.severity is not None and Severity(row.severity).rank < wanted.severity.rank:
        return False
    return all(getattr(wanted, name) in (None, getattr(row, name)) for name in _EQUAL)


def _after(rows: Iterator[_Placed], cursor: str | None) -> Iterator[_Placed]:
    if cursor is None:
        return rows
    at, exchange_id, last = decode_finding_cursor(cursor)
    # Older exchanges come later; those of one exchange in their order there.
    place = (at, exchange_id, -last)
    return ((position, row) for position, row in rows if (row.at, row.exchange_id, -position) < place)


def _group_of(row: FindingRow, by: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(row.at.astimezone(UTC).strftime(_PERIODS[key]) if key in _PERIODS else getattr(row, key) for key in by)
