"""Scope and filter over one row."""

from datetime import UTC

from midwatch_core import ExchangeFilter, ExchangeRow, Scope, microseconds

_EQUAL = ("tenant", "provider", "model", "app", "agent", "trace_id", "status")


def check(wanted: ExchangeFilter) -> None:
    """Raises StorageError for a moment without a time zone."""
    for moment in (wanted.since, wanted.until):
        if moment is not None:
            microseconds(moment)


def matches(row: ExchangeRow, scope: Scope, wanted: ExchangeFilter) -> bool:
    """Whether a row is in scope and wanted."""
    if not scope.allows(row.tenant):
        return False
    if wanted.since is not None and row.started_at < wanted.since:
        return False
    if wanted.until is not None and row.started_at >= wanted.until:
        return False
    return all(getattr(wanted, name) in (None, getattr(row, name)) for name in _EQUAL)


def group_of(row: ExchangeRow, by: tuple[str, ...]) -> tuple[str | None, ...]:
    """The values of a row under keys of COST_KEYS."""
    periods = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00"}
    return tuple(
        row.started_at.astimezone(UTC).strftime(periods[key]) if key in periods else getattr(row, key) for key in by
    )
