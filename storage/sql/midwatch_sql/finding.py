"""Which exchanges a filter wants: their keys alone, read from indexes, never whole rows of those not wanted.

The group index serves any mix of filters that leaves few exchanges, whichever columns it names; where it leaves many,
the next page is near in the index by time. Which of the two is known beforehand: groups count their exchanges.
"""

import sqlite3
from typing import Any

from midwatch_core import ExchangeFilter, Scope
from midwatch_sql.conditions import Conditions, of_conversation, of_dimensions, of_time
from midwatch_sql.groups import FINEST

# Up to so many exchanges are looked at by group, whose index knows no common order: the newest are picked out of all.
MOST_BY_GROUP = 100_000

_NEWEST = "ORDER BY started_at DESC, id DESC"
_BY_TIME, _BY_TRACE, _BY_GROUP = "exchanges_by_start", "exchanges_by_trace", "exchanges_by_group"
_BY_SESSION = "exchanges_by_session"

type Key = tuple[int, str]


def newest_keys(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None
) -> list[Key]:
    """`started_at` and id of at most `limit` exchanges after a cursor, newest first; `wanted.text` asks nothing here.

    Raises StorageError, sqlite3.Error.
    """
    index, where = _way(connection, scope, wanted)
    where += of_time(wanted, cursor)
    query = f"SELECT started_at, id FROM exchanges INDEXED BY {index} WHERE {where} {_NEWEST} LIMIT ?"  # noqa: S608  # our words and question marks only
    return connection.execute(query, (*where.values, limit)).fetchall()


def some_ids(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, *, limit: int, last: int
) -> list[str]:
    """Ids of at most `limit` exchanges, any, that were there when `last_row` gave `last`. Raises as `newest_keys`."""
    if (conversation := of_conversation(wanted)).words:
        index, where = index_of_one(wanted), conversation + of_dimensions(scope, wanted)
    else:
        asked = groups_asked(scope, wanted)
        index, where = (_BY_GROUP, in_groups(asked)) if asked.words else (_BY_TIME, Conditions())
    where += of_time(wanted)
    where.add("rowid <= ?", last)
    query = f"SELECT id FROM exchanges INDEXED BY {index} WHERE {where} LIMIT ?"  # noqa: S608  # as above
    return [key for (key,) in connection.execute(query, (*where.values, limit))]


def last_row(connection: sqlite3.Connection) -> int:
    """The place of the newest exchange in the order they were kept in. Raises sqlite3.Error."""
    return int(connection.execute("SELECT coalesce(max(rowid), 0) FROM exchanges").fetchone()[0])


def is_of_age_alone(wanted: ExchangeFilter) -> bool:
    """Whether it asks for what is old, of whichever tenant, and nothing else: as retention does."""
    return wanted == ExchangeFilter(until=wanted.until, tenant=wanted.tenant) and wanted.until is not None


def _way(connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter) -> tuple[str, Conditions]:
    """The index to go by, and what is asked of its exchanges beside their time."""
    if (conversation := of_conversation(wanted)).words:
        return index_of_one(wanted), conversation + of_dimensions(scope, wanted)
    groups = groups_asked(scope, wanted)
    if not groups.words:
        return _BY_TIME, groups
    few = calls_of(connection, groups) <= MOST_BY_GROUP
    return (_BY_GROUP if few else _BY_TIME), in_groups(groups)


def index_of_one(wanted: ExchangeFilter) -> str:
    """The index of exchanges for a filter that names a trace or a session."""
    return _BY_TRACE if wanted.trace_id is not None else _BY_SESSION


def calls_of(connection: sqlite3.Connection, groups: Conditions) -> int:
    """How many exchanges groups have. Raises sqlite3.Error."""
    counted: tuple[Any] = connection.execute(
        f"SELECT coalesce(sum(calls), 0) FROM cost_groups WHERE {groups}",  # noqa: S608  # as above
        groups.values,
    ).fetchone()
    return int(counted[0])


def groups_asked(scope: Scope, wanted: ExchangeFilter) -> Conditions:
    """The conditions on groups; none where the filter names no dimension."""
    asked = of_dimensions(scope, wanted)
    if asked.words:
        asked.add("level = ?", FINEST)
    return asked


def in_groups(groups: Conditions) -> Conditions:
    """The condition that a row's group is one of these."""
    return Conditions([f"group_id IN (SELECT id FROM cost_groups WHERE {groups})"], list(groups.values))  # noqa: S608  # as above
