"""Scope and filter over one exchange, and the group it belongs to."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC

from midwatch_core import Exchange, ExchangeFilter, Scope, microseconds, row_of, text_finder

_EQUAL = ("tenant", "provider", "model", "app", "agent", "trace_id", "status", "key_id", "user", "client", "session")
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


def group_of(exchange: Exchange, by: Sequence[str]) -> tuple[str | None, ...]:
    """The values of an exchange under keys of COST_KEYS."""
    row = row_of(exchange)
    moment = row.started_at.astimezone(UTC)
    return tuple(moment.strftime(_PERIODS[key]) if key in _PERIODS else getattr(row, key) for key in by)


def _texts(exchange: Exchange) -> Iterator[bytes]:
    for side in (exchange.request, exchange.response):
        if side is not None:
            yield from (segment.text.encode() for segment in side.segments)
