"""Seeding the threader from the store: what was stored before a restart is gone on from after it."""

from collections.abc import Callable, Sequence

from midwatch_core.listing import ExchangeRow
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.threads.threader import Threader

# Rows looked at, and exchanges read with their texts; older ones are found again by traceparent and session alone.
_ROWS, _READ = 500, 50
# Nothing is stored while the threader is seeded.
_PATIENCE_S = 1.0


async def seed(threader: Threader, traces: TraceRepository, now_s: Callable[[], float]) -> int:
    """Make the threader know the newest exchanges of a store; how many. Raises StorageError.

    Read are first those that nothing goes on from yet, whatever their trace. `now_s` never steps back.
    """
    until_s = now_s() + _PATIENCE_S
    page = await traces.list(Scope(), ExchangeFilter(), limit=_ROWS)
    read: list[Exchange] = []
    for row in _ends_first(page.rows)[:_READ]:
        if now_s() > until_s:
            break
        if (exchange := await traces.get(Scope(), row.id)) is not None:
            read.append(exchange)
    for exchange in sorted(read, key=lambda exchange: exchange.started_at):
        threader.remember(exchange)
    return len(read)


def _ends_first(rows: Sequence[ExchangeRow]) -> list[ExchangeRow]:
    """Newest first, but those last that another one goes on from."""
    parents = {row.parent_id for row in rows}
    return sorted(rows, key=lambda row: row.id in parents)
