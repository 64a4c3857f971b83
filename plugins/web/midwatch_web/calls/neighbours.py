"""Where a call's conversation came from, and where it went on."""

from dataclasses import dataclass

from midwatch_core import Exchange, ExchangeFilter, Queries

# Later calls of a trace that are looked through for the next one.
_MOST_LOOKED_AT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The ids of the call before and of the calls that go on from this one, the earliest first."""

    before: str | None = None
    after: tuple[str, ...] = ()


async def neighbours_of(queries: Queries, exchange: Exchange) -> Neighbours:
    """The neighbours of a call in its trace. The one before may be older than what is kept."""
    thread = exchange.thread
    if thread is None:
        return Neighbours()
    later = ExchangeFilter(trace_id=exchange.trace_id, since=exchange.started_at)
    rows = (await queries.exchanges(later, limit=_MOST_LOOKED_AT)).rows
    return Neighbours(
        before=thread.parent_id, after=tuple(row.id for row in reversed(rows) if row.parent_id == exchange.id)
    )
