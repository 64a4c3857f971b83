"""A TraceRepository over one file: a table with a line for each exchange, which is looked through in order.

Small and plain, made to show the contract. It has no index but time, so it is for thousands of exchanges, not millions.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from acme_store.matching import group_of, matcher
from midwatch_core import (
    CostRow,
    CostSum,
    Exchange,
    ExchangeFilter,
    ExchangeRow,
    FrameDecoder,
    MidwatchError,
    Migrations,
    Page,
    Scope,
    StorageError,
    StorageUnavailableError,
    check_cost_keys,
    decode_cursor,
    encode_cursor,
    highest_first,
    microseconds,
    row_of,
)

_TABLE = "CREATE TABLE IF NOT EXISTS exchanges (id TEXT PRIMARY KEY, started_us INTEGER NOT NULL, body TEXT NOT NULL)"
_INDEX = "CREATE INDEX IF NOT EXISTS by_time ON exchanges (started_us, id)"
_PUT = "INSERT OR IGNORE INTO exchanges VALUES (?, ?, ?)"
_GET = "SELECT body FROM exchanges WHERE id = ?"
_WALK = "SELECT body FROM exchanges WHERE (started_us, id) < (?, ?) ORDER BY started_us DESC, id DESC"
_END = (2**62, "")


class AcmeTraces:
    """The exchanges of one file. Nothing waits for the disk in the event loop: each call works in a thread."""

    # The table is made where it is missing, and has never changed: there is nothing to migrate.
    migrations: Migrations | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()
        self._connection: sqlite3.Connection | None = None
        self._decoder = FrameDecoder()

    async def start(self, *, migrate: bool = True) -> None:
        """Open the file. Raises StorageError."""

        def work() -> None:
            self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            self._connection.execute(_TABLE)
            self._connection.execute(_INDEX)

        await self._alone(work)

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch, whole or not at all. Raises StorageError."""

        def work() -> None:
            lines = [(one.id, microseconds(one.started_at), _written(one)) for one in exchanges]
            with self._transaction() as connection:
                connection.executemany(_PUT, lines)

        await self._alone(work)

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows, newest first. Raises StorageError."""
        if limit < 1:
            raise StorageError(f"a page of {limit} rows: at least 1 is needed")

        def work() -> Page:
            rows: list[ExchangeRow] = []
            for exchange in self._newest_first(scope, wanted, cursor):
                if len(rows) == limit:
                    return Page(rows=tuple(rows), cursor=encode_cursor(rows[-1].started_at, rows[-1].id))
                rows.append(row_of(exchange))
            return Page(rows=tuple(rows), cursor=None)

        return await self._alone(work)

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange; None where there is none in scope. Raises StorageError."""

        def work() -> Exchange | None:
            line = self._open().execute(_GET, (exchange_id,)).fetchone()
            exchange = self._read(line[0]) if line else None
            return exchange if exchange is not None and scope.allows(exchange.identity.tenant) else None

        return await self._alone(work)

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums grouped by some of COST_KEYS, highest cost first. Raises StorageError."""
        check_cost_keys(by)

        def work() -> Sequence[CostRow]:
            sums: dict[tuple[str | None, ...], CostSum] = {}
            for exchange in self._newest_first(scope, wanted, None):
                _add(sums.setdefault(group_of(exchange, by), CostSum()), exchange)
            return highest_first(total.row(group) for group, total in sums.items())

        return await self._alone(work)

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        """Forget exchanges with all their texts; how many went. Raises StorageError."""

        def work() -> int:
            ids = [(exchange.id,) for exchange in self._newest_first(scope, wanted, None)]
            with self._transaction() as connection:
                connection.executemany("DELETE FROM exchanges WHERE id = ?", ids)
            return len(ids)

        return await self._alone(work)

    async def close(self) -> None:
        """Let go of the file."""
        async with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def _alone[Result](self, work: Callable[[], Result]) -> Result:
        """One call after the other, in a thread; what goes wrong in there is a StorageError."""

        def translated() -> Result:
            try:
                return work()
            except sqlite3.OperationalError as error:
                raise StorageUnavailableError(f"{self._path}: {error}") from error
            except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
                raise StorageError(f"{self._path}: {error}") from error

        async with self._turn:
            return await asyncio.to_thread(translated)

    def _newest_first(self, scope: Scope, wanted: ExchangeFilter, cursor: str | None) -> Iterator[Exchange]:
        """What is in scope and wanted, read as it is asked for: never all at once."""
        matches = matcher(scope, wanted)
        end = _END
        if cursor is not None:
            started_at, exchange_id = decode_cursor(cursor)
            end = (microseconds(started_at), exchange_id)
        read = (self._read(body) for (body,) in self._open().execute(_WALK, end))
        return (exchange for exchange in read if matches(exchange))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            yield connection

    def _read(self, body: str) -> Exchange:
        try:
            return self._decoder.restore(json.loads(body))
        except MidwatchError as error:
            raise StorageError(f"{self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageError(f"{self._path}: the repository is not open")
        return self._connection


def _written(exchange: Exchange) -> str:
    """An exchange as JSON: money and moments as text, so that nothing is rounded."""
    return json.dumps(asdict(exchange), default=str)


def _add(total: CostSum, exchange: Exchange) -> None:
    row = row_of(exchange)
    total.calls += 1
    total.input_tokens += row.input_tokens or 0
    total.output_tokens += row.output_tokens or 0
    if row.cost_usd is None:
        total.unpriced += 1
    else:
        total.add_cost(row.cost_usd)
