"""The trace repository over SQLite."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import batched
from typing import TYPE_CHECKING, Any

from midwatch_core import CostRow, Exchange, ExchangeFilter, Page, Scope, StorageError, encode_cursor, microseconds
from midwatch_sql.columns import ROW, names
from midwatch_sql.compression import unpack, unpack_detail
from midwatch_sql.conditions import conditions, marks
from midwatch_sql.costing import costs_of
from midwatch_sql.database import Database
from midwatch_sql.document import put_together, take_apart
from midwatch_sql.forgetting import forget_step, give_back_space
from midwatch_sql.location import Location
from midwatch_sql.migrating import bring_up_to_date
from midwatch_sql.putting import CHUNK, put_batch
from midwatch_sql.rows import row_from

if TYPE_CHECKING:
    from midwatch_core import FrameDecoder


class SqliteTraces:
    """A TraceRepository in one SQLite file, which it may share with other processes and with SqliteMetadata."""

    def __init__(self, location: Location) -> None:
        self.database = Database(location)

    async def start(self) -> None:
        """Open, and migrate unless the URL says mode=ro. Raises StorageError."""
        location = self.database.location
        await self.database.start(lambda connection: bring_up_to_date(connection, location, "traces"))

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch, whole or not at all. Raises StorageError."""
        await self.database.write_prepared(
            lambda: [take_apart(exchange) for exchange in exchanges],
            put_batch,
        )

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows, newest first. Raises StorageError."""
        if limit < 1:
            raise StorageError(f"a page of {limit} rows: at least 1 is needed")
        return await self.database.read(lambda connection: _page(connection, scope, wanted, limit, cursor))

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange with all its texts; None where there is none in scope. Raises StorageError."""
        return await self.database.read(lambda connection: _exchange(connection, scope, exchange_id))

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums grouped by some of COST_KEYS, highest cost first. Raises StorageError."""
        return await self.database.read(lambda connection: costs_of(connection, scope, wanted, by))

    async def delete_before(self, moment: datetime) -> int:
        """Forget exchanges started before `moment`; how many went. In steps: others write in between."""
        before_us, total = microseconds(moment), 0
        while gone := await self.database.write(lambda connection: forget_step(connection, before_us)):
            total += gone
            await self.database.write_outside(give_back_space)
        return total

    async def close(self) -> None:
        """Let go of the file."""
        await self.database.close()


def _page(connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, limit: int, cursor: str | None) -> Page:
    # Tenant by tenant: an index gives the newest of one tenant, but of several together only by sorting them all.
    scopes = [scope] if scope.tenants is None else [Scope(tenants=frozenset({name})) for name in scope.tenants]
    found = [values for one in scopes for values in _newest(connection, one, wanted, limit + 1, cursor)]
    rows = sorted(map(row_from, found), key=lambda row: (row.started_at, row.id), reverse=True)
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows=tuple(rows), cursor=encode_cursor(rows[-1].started_at, rows[-1].id) if more else None)


def _newest(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, limit: int, cursor: str | None
) -> Iterable[Sequence[Any]]:
    where, values = conditions(scope, wanted, cursor)
    query = f"SELECT {names(ROW)} FROM exchanges WHERE {where} ORDER BY started_at DESC, id DESC LIMIT ?"  # noqa: S608  # names and question marks only
    return connection.execute(query, (*values, limit))


def _exchange(connection: sqlite3.Connection, scope: Scope, exchange_id: str) -> Exchange | None:
    found = connection.execute("SELECT tenant, detail FROM exchanges WHERE id = ?", (exchange_id,)).fetchone()
    if found is None or not scope.allows(found[0]):
        return None
    return put_together(unpack_detail(found[1]), _reader(connection, found[0]), _frames())


def _reader(connection: sqlite3.Connection, tenant: str) -> Callable[[Iterable[str]], Mapping[str, bytes]]:
    def read(keys: Iterable[str]) -> Mapping[str, bytes]:
        bodies: dict[str, bytes] = {}
        for some in batched(keys, CHUNK):
            query = f"SELECT hash, body FROM pieces WHERE tenant = ? AND hash IN ({marks(len(some))})"  # noqa: S608  # marks only
            bodies.update((key, unpack(body)) for key, body in connection.execute(query, (tenant, *some)))
        return bodies

    return read


@cache
def _frames() -> "FrameDecoder":
    from midwatch_core import FrameDecoder

    return FrameDecoder()
