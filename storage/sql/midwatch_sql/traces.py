"""The trace repository over SQLite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import cache, partial
from itertools import batched
from typing import TYPE_CHECKING

from midwatch_core import (
    ActivityRow,
    ConversationPage,
    CostRow,
    Exchange,
    ExchangeFilter,
    ExchangeRow,
    FindingCount,
    FindingFilter,
    FindingPage,
    Page,
    Scope,
    StorageError,
    encode_cursor,
)
from midwatch_sql import conversations_asked, findings_asked
from midwatch_sql.activity import activity_rows
from midwatch_sql.checking import sums_apart
from midwatch_sql.columns import ROW, names
from midwatch_sql.compression import unpack_detail
from midwatch_sql.conditions import marks
from midwatch_sql.costing import Costs
from midwatch_sql.database import Database
from midwatch_sql.document import put_together, take_apart
from midwatch_sql.finding import Key, is_of_age_alone, last_row, newest_keys, some_ids
from midwatch_sql.forgetting import STEP, empty_wal, forget, give_back_space, write_anew
from midwatch_sql.location import Location
from midwatch_sql.migrating import SqliteMigrations, bring_up_to_date
from midwatch_sql.putting import CHUNK, put_batch
from midwatch_sql.reading import reader
from midwatch_sql.rows import row_from
from midwatch_sql.searching import search

if TYPE_CHECKING:
    from midwatch_core import FrameDecoder


# What may still hold texts that were deleted.
_WAL, _COPIES = "the WAL", "copies in free space"


class SqliteTraces:
    """A TraceRepository in one SQLite file, which it may share with other processes and with SqliteMetadata."""

    def __init__(self, location: Location) -> None:
        self.database = Database(location)
        self._deleting = asyncio.Lock()
        self._left_behind: set[str] = set()

    @property
    def migrations(self) -> SqliteMigrations:
        """The schema's migrations."""
        return SqliteMigrations(self.database.location, "traces")

    async def start(self, *, migrate: bool = True) -> None:
        """Open, and migrate unless the URL says mode=ro. Raises StorageError."""
        location = self.database.location
        await self.database.start(lambda connection: bring_up_to_date(connection, location, "traces", migrate=migrate))

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch, whole or not at all. Raises StorageError."""
        await self.database.write_prepared(
            lambda: [take_apart(exchange) for exchange in exchanges],
            put_batch,
        )

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows, newest first. Raises StorageError."""
        _check_limit(limit)
        page = _page if wanted.text is None else _page_of_search
        return await self.database.read(lambda connection: page(connection, scope, wanted, limit, cursor))

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange with all its texts; None where there is none in scope. Raises StorageError."""
        return await self.database.read(lambda connection: _exchange(connection, scope, exchange_id))

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums grouped by some of COST_KEYS, highest cost first; of a search, step by step. Raises StorageError."""
        costs = Costs(by)
        if wanted.text is None:
            await self.database.read(partial(costs.add_wanted, scope=scope, wanted=wanted))
            return costs.rows()
        async for ids in self._found(scope, wanted, CHUNK):
            await self.database.read(partial(costs.add_ids, ids=ids))
        return costs.rows()

    async def activity(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """Counts grouped by some of COST_KEYS, most calls first. Raises StorageError."""
        return await self.database.read(partial(activity_rows, scope=scope, wanted=wanted, by=by))

    async def conversations(
        self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces, newest first. Raises StorageError."""
        _check_limit(limit)
        page = partial(conversations_asked.page_of, scope=scope, wanted=wanted, limit=limit, cursor=cursor)
        return await self.database.read(page)

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        """A page of findings, those of the newest exchanges first. Raises StorageError."""
        _check_limit(limit)
        page = partial(findings_asked.page_of, scope=scope, wanted=wanted, limit=limit, cursor=cursor)
        return await self.database.read(page)

    async def finding_counts(self, scope: Scope, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted by some of FINDING_KEYS, most first. Raises StorageError."""
        return await self.database.read(partial(findings_asked.counts_of, scope=scope, wanted=wanted, by=by))

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        """Forget exchanges, in steps: others write in between. How many went. Raises StorageError.

        What is asked for by more than its age leaves no byte behind: the file is written anew at the end, and writes
        wait for that. What is old goes page by page; copies in a page shared with newer exchanges go with those.
        """
        async with self._deleting:
            total = 0
            steps = self._some(scope, wanted) if wanted.text is None else self._found(scope, wanted, STEP)
            async for ids in steps:
                total += await self.database.write(partial(forget, ids=ids))
                self._left_behind |= {_WAL} if is_of_age_alone(wanted) else {_WAL, _COPIES}
                await self.database.write_outside(give_back_space)
            await self._clean_up()
        return total

    async def _clean_up(self) -> None:
        """What is left over stays noted until it is done: the next call tries again."""
        if _COPIES in self._left_behind:
            await self.database.write_outside(write_anew)
            self._left_behind.discard(_COPIES)
        if _WAL in self._left_behind and await self.database.write_outside(empty_wal):
            self._left_behind.discard(_WAL)

    async def sums_apart(self) -> Sequence[str]:
        """Where the sums kept are not the sums of the exchanges, a line each; none where all is well.

        Reads everything: for checks, not for every day. Raises StorageError.
        """
        return await self.database.read(sums_apart)

    async def close(self) -> None:
        """Let go of the file."""
        await self.database.close()

    async def _some(self, scope: Scope, wanted: ExchangeFilter) -> AsyncIterator[Sequence[str]]:
        """Ids of what is there now, until all were forgotten."""
        last = await self.database.read(last_row)
        some = partial(some_ids, scope=scope, wanted=wanted, limit=STEP, last=last)
        while ids := await self.database.read(some):
            yield ids

    async def _found(self, scope: Scope, wanted: ExchangeFilter, limit: int) -> AsyncIterator[Sequence[str]]:
        """Ids of what a search finds, step by step."""
        cursor: str | None = None
        while True:
            found = await self.database.read(partial(search, scope=scope, wanted=wanted, limit=limit, cursor=cursor))
            if found.keys:
                yield [key for _, key in found.keys]
            cursor = found.cursor
            if cursor is None:
                return


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise StorageError(f"a page of {limit} rows: at least 1 is needed")


def _page(connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, limit: int, cursor: str | None) -> Page:
    keys = newest_keys(connection, scope, wanted, limit=limit + 1, cursor=cursor)
    rows = _rows(connection, keys[:limit])
    more = len(keys) > limit
    return Page(rows=rows, cursor=encode_cursor(rows[-1].started_at, rows[-1].id) if more else None)


def _page_of_search(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, limit: int, cursor: str | None
) -> Page:
    found = search(connection, scope, wanted, limit=limit, cursor=cursor)
    return Page(rows=_rows(connection, found.keys), cursor=found.cursor)


def _rows(connection: sqlite3.Connection, keys: Sequence[Key]) -> tuple[ExchangeRow, ...]:
    rows: dict[str, ExchangeRow] = {}
    for some in batched(keys, CHUNK):
        query = f"SELECT {names(ROW)} FROM exchanges WHERE id IN ({marks(len(some))})"  # noqa: S608  # names and marks only
        found = connection.execute(query, [key for _, key in some])
        rows.update((row.id, row) for row in map(row_from, found))
    return tuple(rows[key] for _, key in keys)


def _exchange(connection: sqlite3.Connection, scope: Scope, exchange_id: str) -> Exchange | None:
    found = connection.execute("SELECT tenant, detail FROM exchanges WHERE id = ?", (exchange_id,)).fetchone()
    if found is None or not scope.allows(found[0]):
        return None
    return put_together(unpack_detail(found[1]), reader(connection, found[0]), _frames())


@cache
def _frames() -> "FrameDecoder":
    from midwatch_core import FrameDecoder

    return FrameDecoder()
