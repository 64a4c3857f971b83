"""Conversations: the traces of a page, newest first, then the sums over all their exchanges."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from midwatch_clickhouse.conditions import Conditions, add_place, conditions
from midwatch_clickhouse.connecting import Connection
from midwatch_core import (
    EXACT,
    ConversationPage,
    ConversationRow,
    CostSum,
    ExchangeFilter,
    Scope,
    StorageError,
    encode_cursor,
    moment_of,
)

# Sorting all that is wanted, the server writes to disk what is more than this (bytes).
_SORTING = {"max_bytes_before_external_sort": "1000000000"}
_NEWEST = "argMax(tuple(tenant, app, agent, user, session), tuple(started_at, id))"
_FINE = "groupArrayIf(assumeNotNull(cost_usd), cost_usd IS NOT NULL AND cost_pico IS NULL)"
_SUMS = (
    "toUnixTimestamp64Micro(min(started_at)), toUnixTimestamp64Micro(max(started_at)), count(),"
    f" arraySort(groupUniqArray(model)), {_NEWEST},"
    " sum(toInt128(ifNull(input_tokens, 0))), sum(toInt128(ifNull(output_tokens, 0))),"
    f" sum(toInt128(ifNull(cost_pico, 0))), {_FINE}, countIf(cost_usd IS NULL),"
    " sum(errors), countIf(notEmpty(findings))"
)

type _Head = tuple[str, int, str]


async def conversations_in(
    connection: Connection, scope: Scope, wanted: ExchangeFilter, limit: int, cursor: str | None
) -> ConversationPage:
    """A page of traces that have an exchange which is wanted, newest first. Raises StorageError."""
    if wanted.text is not None:
        raise StorageError("conversations can't be searched for a text")
    heads = await _heads(connection, scope, wanted, limit + 1, cursor)
    page = heads[:limit]
    rows = await _rows(connection, scope, [trace_id for trace_id, _, _ in page])
    # What was deleted since its head was read is no more.
    found = tuple(rows[trace_id] for trace_id, _, _ in page if trace_id in rows)
    more = len(heads) > limit
    return ConversationPage(rows=found, cursor=encode_cursor(moment_of(page[-1][1]), page[-1][2]) if more else None)


async def _heads(
    connection: Connection, scope: Scope, wanted: ExchangeFilter, limit: int, cursor: str | None
) -> list[_Head]:
    """Of each trace its newest exchange that is wanted, where that stands after the cursor."""
    found, after = conditions(scope, wanted), Conditions()
    if cursor is not None:
        add_place(after, cursor)
    order = "ORDER BY started_at DESC, id DESC"
    newest = f"SELECT trace_id, started_at, id FROM exchanges WHERE {found.where} {order} LIMIT 1 BY trace_id"  # noqa: S608  # names and parameters only
    query = (
        "SELECT trace_id, toUnixTimestamp64Micro(started_at), id"  # noqa: S608  # as above
        f" FROM ({newest}) WHERE {after.where} {order} LIMIT {limit}"
    )
    rows = await connection.rows(query, found.values | after.values, _SORTING)
    return [(trace_id, at, exchange_id) for trace_id, at, exchange_id in rows]


async def _rows(connection: Connection, scope: Scope, traces: Sequence[str]) -> dict[str, ConversationRow]:
    if not traces:
        return {}
    found = conditions(scope, ExchangeFilter())
    found.add("trace_id IN {traces:Array(String)}", traces=list(traces))
    query = f"SELECT trace_id, {_SUMS} FROM exchanges WHERE {found.where} GROUP BY trace_id"  # noqa: S608  # as above
    return {row[0]: _row(row) for row in await connection.rows(query, found.values)}


def _row(values: Sequence[Any]) -> ConversationRow:
    trace_id, first, last, calls, models, newest, read, written, pico, fine, unpriced, errors, flagged = values
    tenant, app, agent, user, session = newest
    total = CostSum(cost_usd=EXACT.scaleb(Decimal(pico), -12))
    for cost in fine:
        total.add_cost(Decimal(cost))
    return ConversationRow(
        trace_id=trace_id,
        tenant=tenant,
        started_at=moment_of(first),
        last_at=moment_of(last),
        calls=calls,
        models=tuple(models),
        app=app,
        agent=agent,
        user=user,
        session=session,
        input_tokens=read,
        output_tokens=written,
        cost_usd=total.cost_usd,
        unpriced=unpriced,
        errors=errors,
        flagged=flagged,
    )
