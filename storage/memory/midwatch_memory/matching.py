"""Scope and filter over one exchange."""

from collections.abc import Iterator
from datetime import UTC

from midwatch_core import Exchange, ExchangeFilter, ExchangeRow, Scope, microseconds

_EQUAL = ("tenant", "provider", "model", "app", "agent", "trace_id", "status", "key_id", "user", "client", "session")


def check(wanted: ExchangeFilter) -> None:
    """Raises StorageError for a moment without a time zone."""
    for moment in (wanted.since, wanted.until):
        if moment is not None:
            microseconds(moment)


def matches(row: ExchangeRow, scope: Scope, wanted: ExchangeFilter) -> bool:
    """Whether a row is in scope and wanted; `wanted.text` asks nothing here."""
    if not scope.allows(row.tenant):
        return False
    if wanted.since is not None and row.started_at < wanted.since:
        return False
    if wanted.until is not None and row.started_at >= wanted.until:
        return False
    return all(getattr(wanted, name) in (None, getattr(row, name)) for name in _EQUAL)


def texts_of(exchange: Exchange) -> Iterator[bytes]:
    """All texts of an exchange, as UTF-8."""
    for side in (exchange.request, exchange.response):
        if side is not None:
            yield from (segment.text.encode() for segment in side.segments)


def group_of(row: ExchangeRow, by: tuple[str, ...]) -> tuple[str | None, ...]:
    """The values of a row under keys of COST_KEYS."""
    periods = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00"}
    return tuple(
        row.started_at.astimezone(UTC).strftime(periods[key]) if key in periods else getattr(row, key) for key in by
    )
