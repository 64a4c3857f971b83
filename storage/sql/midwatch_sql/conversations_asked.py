"""Pages of conversations: found by what is kept of each trace and group, never by walking over its exchanges.

A trace stands where the newest of its exchanges that are wanted stands. That is the end of one of its groups that are
wanted, unless the filter ends in the midst of a group: there the exchanges are asked, by trace.
"""

import sqlite3
from collections.abc import Iterator
from heapq import merge
from itertools import islice

from midwatch_core import (
    ConversationPage,
    ExchangeFilter,
    Scope,
    StorageError,
    decode_cursor,
    encode_cursor,
    microseconds,
    moment_of,
)
from midwatch_sql.conditions import Conditions, of_conversation, of_dimensions, of_time
from midwatch_sql.conversation_rows import rows_of
from midwatch_sql.finding import Key, calls_of, groups_asked, in_groups, index_of_one

# Up to so many exchanges are looked at by group, whose index knows no common order.
MOST_BY_GROUP = 20_000

_BY_END, _BY_GROUP = "conversations_by_end", "conversations_by_group"

# An exchange's key, and its trace.
type _Place = tuple[int, str, str]


def page_of(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None
) -> ConversationPage:
    """A page of traces, newest first. Raises StorageError, sqlite3.Error."""
    if wanted.text is not None:
        raise StorageError("conversations can't be searched for a text")
    after = None if cursor is None else _key_of(cursor)
    find = _of_exchanges if of_conversation(wanted).words else _of_kept
    places = list(islice(find(connection, scope, wanted, after), limit + 1))
    rows = rows_of(connection, scope, [trace_id for *_, trace_id in places[:limit]])
    if len(places) <= limit:
        return ConversationPage(rows=rows, cursor=None)
    started_at, exchange_id, _ = places[limit - 1]
    return ConversationPage(rows=rows, cursor=encode_cursor(moment_of(started_at), exchange_id))


def _key_of(cursor: str) -> Key:
    started_at, exchange_id = decode_cursor(cursor)
    return microseconds(started_at), exchange_id


def _of_exchanges(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, after: Key | None
) -> Iterator[_Place]:
    """The traces of one session, or one trace: from its exchanges."""
    where = of_conversation(wanted) + of_dimensions(scope, wanted) + of_time(wanted)
    query = (
        f"SELECT started_at, id, trace_id FROM exchanges INDEXED BY {index_of_one(wanted)}"  # noqa: S608  # our words and question marks only
        f" WHERE {where} ORDER BY started_at DESC, id DESC"
    )
    seen: set[str] = set()
    for place in connection.execute(query, where.values):
        started_at, exchange_id, trace_id = place
        if trace_id not in seen:
            seen.add(trace_id)
            if after is None or (started_at, exchange_id) < after:
                yield place


def _of_kept(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, after: Key | None
) -> Iterator[_Place]:
    """The traces of any other filter."""
    walk = _Walk(connection, scope, wanted)
    cut = sorted(walk.cut_traces(), reverse=True)
    came = {trace_id for *key, trace_id in cut if after is not None and tuple(key) >= after}
    later = (place for place in cut if after is None or place[:2] < after)
    for place in merge(walk.ends(after), later, reverse=True):
        trace_id = place[2]
        if trace_id not in came and (after is None or not walk.ended_before(after, trace_id)):
            yield place
        came.add(trace_id)


class _Walk:
    """What is kept of conversations, along an index, as far as a filter wants it."""

    def __init__(self, connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter) -> None:
        self._connection = connection
        self._exchanges = of_dimensions(scope, wanted) + of_time(wanted)
        self._asked = groups_asked(scope, wanted)
        self._groups = in_groups(self._asked) if self._asked.words else Conditions()
        self._since = None if wanted.since is None else microseconds(wanted.since)
        self._until = None if wanted.until is None else microseconds(wanted.until)

    def ends(self, after: Key | None) -> Iterator[_Place]:
        """Groups' newest exchanges before the filter's end, newest first."""
        where = self._groups + self._ended()
        if after is not None:
            where.add("(last_at, last_id) < (?, ?)", *after)
        query = (
            f"SELECT last_at, last_id, trace_id FROM conversations INDEXED BY {self._index()} WHERE {where}"  # noqa: S608  # our words and question marks only
            " ORDER BY last_at DESC, last_id DESC"
        )
        yield from self._connection.execute(query, where.values)

    def cut_traces(self) -> Iterator[_Place]:
        """The traces with a group that goes on past the filter's end, by their newest exchange that is wanted."""
        if self._until is None:
            return
        where = self._groups + Conditions(["last_at >= ?", "first_at < ?"], [self._until, self._until])
        index = _BY_GROUP if self._groups.words else _BY_END
        query = f"SELECT DISTINCT trace_id FROM conversations INDEXED BY {index} WHERE {where}"  # noqa: S608  # as above
        for (trace_id,) in self._connection.execute(query, where.values):
            of_trace = Conditions(["trace_id = ?"], [trace_id]) + self._exchanges
            newest = (
                f"SELECT started_at, id FROM exchanges INDEXED BY exchanges_by_trace WHERE {of_trace}"  # noqa: S608  # as above
                " ORDER BY started_at DESC, id DESC LIMIT 1"
            )
            if found := self._connection.execute(newest, of_trace.values).fetchone():
                yield *found, trace_id

    def ended_before(self, after: Key, trace_id: str) -> bool:
        """Whether a group of this trace ends at the cursor or is newer: the trace came on an earlier page."""
        where = self._ended() + Conditions(["trace_id = ?"], [trace_id]) + self._asked
        where.add("(last_at, last_id) >= (?, ?)", *after)
        query = f"SELECT 1 FROM conversations CROSS JOIN cost_groups ON cost_groups.id = group_id WHERE {where} LIMIT 1"  # noqa: S608  # as above
        return self._connection.execute(query, where.values).fetchone() is not None

    def _index(self) -> str:
        few = bool(self._asked.words) and calls_of(self._connection, self._asked) <= MOST_BY_GROUP
        return _BY_GROUP if few else _BY_END

    def _ended(self) -> Conditions:
        found = Conditions()
        if self._since is not None:
            found.add("last_at >= ?", self._since)
        if self._until is not None:
            found.add("last_at < ?", self._until)
        return found
