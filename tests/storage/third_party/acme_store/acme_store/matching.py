"""Scope and filter over one exchange or finding, and the group it belongs to."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from midwatch_core import (
    Exchange,
    ExchangeFilter,
    ExchangeRow,
    FindingFilter,
    FindingRow,
    Scope,
    Severity,
    microseconds,
    row_of,
    text_finder,
)

_EQUAL = ("tenant", "provider", "model", "app", "agent", "trace_id", "status", "key_id", "user", "client", "session")
_EQUAL_OF_FINDINGS = (
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


def matcher(scope: Scope, wanted: ExchangeFilter) -> Callable[[Exchange], bool]:
    """Whether an exchange is in scope and wanted. Raises StorageError for a filter that makes no sense."""
    since = None if wanted.since is None else microseconds(wanted.since)
    until = None if wanted.until is None else microseconds(wanted.until)
    finds = None if wanted.text is None else text_finder(wanted.text)

    def matches(exchange: Exchange) -> bool:
        row = row_of(exchange)
        at = microseconds(row.started_at)
        return (
            scope.allows(row.tenant)
            and (since is None or at >= since)
            and (until is None or at < until)
            and all(getattr(wanted, name) in (None, getattr(row, name)) for name in _EQUAL)
            and (finds is None or any(map(finds, _texts(exchange))))
        )

    return matches


def finding_matcher(scope: Scope, wanted: FindingFilter) -> Callable[[FindingRow], bool]:
    """Whether a finding is in scope and wanted. Raises StorageError for a filter that makes no sense."""
    since = None if wanted.since is None else microseconds(wanted.since)
    until = None if wanted.until is None else microseconds(wanted.until)

    def matches(row: FindingRow) -> bool:
        at = microseconds(row.at)
        return (
            scope.allows(row.tenant)
            and (since is None or at >= since)
            and (until is None or at < until)
            and (wanted.severity is None or Severity(row.severity).rank >= wanted.severity.rank)
            and all(getattr(wanted, name) in (None, getattr(row, name)) for name in _EQUAL_OF_FINDINGS)
        )

    return matches


def group_of(exchange: Exchange, by: Sequence[str]) -> tuple[str | None, ...]:
    """The values of an exchange under keys of COST_KEYS."""
    row = row_of(exchange)
    return _group(row, row.started_at, by)


def finding_group_of(row: FindingRow, by: Sequence[str]) -> tuple[str | None, ...]:
    """The values of a finding under keys of FINDING_KEYS."""
    return _group(row, row.at, by)


def _group(row: ExchangeRow | FindingRow, at: datetime, by: Sequence[str]) -> tuple[str | None, ...]:
    moment = at.astimezone(UTC)
    return tuple(moment.strftime(_PERIODS[key]) if key in _PERIODS else getattr(row, key) for key in by)


def _texts(exchange: Exchange) -> Iterator[bytes]:
    for side in (exchange.request, exchange.response):
        if side is not None:
            yield from (segment.text.encode() for segment in side.segments)
