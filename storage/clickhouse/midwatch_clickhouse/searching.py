"""Searching in texts: newest exchanges first, as the other conditions leave them, so many a call."""

from midwatch_clickhouse.conditions import Conditions, matching_keys
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.rows import SELECTED, row_from
from midwatch_core import ExchangeRow, Page, encode_cursor, moment_of

# Exchanges whose texts one call looks at.
LOOKED_AT = 1000

type _Place = tuple[int, str]


async def page_of_matches(connection: Connection, conditions: Conditions, text: str, limit: int) -> Page:
    """A page of exchanges with `text` in one of their texts; it ends early where enough was looked at.

    Raises StorageError.
    """
    looked = (
        f"SELECT tenant, started_at, id, texts FROM exchanges WHERE {conditions.where}"  # noqa: S608  # names and parameters only
        f" ORDER BY started_at DESC, id DESC LIMIT {LOOKED_AT}"
    )
    keys = matching_keys(f"(tenant, hash) IN (SELECT tenant, arrayJoin(texts) FROM ({looked}))")  # noqa: S608  # as above
    query = (
        f"SELECT toUnixTimestamp64Micro(started_at), id, hasAny(texts, ({keys})) FROM ({looked})"  # noqa: S608  # as above
        " ORDER BY started_at DESC, id DESC"
    )
    seen = await connection.rows(query, {**conditions.values, "text": text})
    hits: list[_Place] = [(at, exchange_id) for at, exchange_id, hit in seen if hit]
    rows = await _rows_at(connection, hits[:limit])
    if len(hits) > limit:
        return Page(rows=rows, cursor=_cursor(hits[limit - 1]))
    more = len(seen) == LOOKED_AT
    return Page(rows=rows, cursor=_cursor((seen[-1][0], seen[-1][1])) if more else None)


async def _rows_at(connection: Connection, places: list[_Place]) -> tuple[ExchangeRow, ...]:
    if not places:
        return ()
    query = (
        f"SELECT {SELECTED} FROM exchanges WHERE id IN {{ids:Array(String)}}"  # noqa: S608  # names and parameters only
        " AND started_at >= fromUnixTimestamp64Micro({oldest:Int64}, 'UTC')"
        " AND started_at <= fromUnixTimestamp64Micro({newest:Int64}, 'UTC') ORDER BY started_at DESC, id DESC"
    )
    ids = [exchange_id for _, exchange_id in places]
    found = await connection.rows(query, {"ids": ids, "oldest": places[-1][0], "newest": places[0][0]})
    return tuple(map(row_from, found))


def _cursor(place: _Place) -> str:
    return encode_cursor(moment_of(place[0]), place[1])
