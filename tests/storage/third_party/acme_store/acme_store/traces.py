"""A TraceRepository over one file: a table with a line for each exchange, which is looked through in order.

Small and plain, made to show the contract. It has no index but time, so it is for thousands of exchanges, not millions.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from acme_store.findings import finding_counts, finding_page
from acme_store.matching import group_of, matcher
from midwatch_core import (
    ActivityRow,
    ActivitySum,
    ConversationPage,
    CostRow,
    CostSum,
    Exchange,
    ExchangeFilter,
    ExchangeRow,
    FindingCount,
    FindingFilter,
    FindingPage,
    FrameDecoder,
    MidwatchError,
    Migrations,
    Page,
    Scope,
    StorageError,
    StorageUnavailableError,
    activity_of,
    check_cost_keys,
    conversation_of,
    decode_cursor,
    encode_cursor,
    highest_first,
    microseconds,
    most_calls_first,
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
        _check_limit(limit)

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
                row = row_of(exchange)
                total = sums.setdefault(group_of(exchange, by), CostSum())
                total.add_call(row.input_tokens, row.output_tokens, row.cost_usd)
            return highest_first(total.row(group) for group, total in sums.items())

        return await self._alone(work)

    async def activity(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """Counts grouped by some of COST_KEYS, most calls first. Raises StorageError."""
        check_cost_keys(by)

        def work() -> Sequence[ActivityRow]:
            sums: dict[tuple[str | None, ...], ActivitySum] = {}
            for exchange in self._newest_first(scope, replace(wanted, text=None), None):
                sums.setdefault(group_of(exchange, by), ActivitySum()).add(activity_of(exchange))
            return most_calls_first(total.row(group) for group, total in sums.items())

        return await self._alone(work)

    async def conversations(
        self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces, newest first. Raises StorageError."""
        _check_limit(limit)
        if wanted.text is not None:
            raise StorageError("conversations can't be searched for a text")

        def work() -> ConversationPage:
            heads = self._heads(scope, wanted, cursor)
            page = list(islice(heads, limit))
            more = next(heads, None) is not None
            rows = [conversation_of(list(self._of_trace(scope, head))) for head in page]
            return ConversationPage(
                rows=tuple(rows), cursor=encode_cursor(page[-1].started_at, page[-1].id) if more else None
            )

        return await self._alone(work)

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        """A page of findings, those of the newest exchanges first. Raises StorageError."""
        _check_limit(limit)
        return await self._alone(lambda: finding_page(self._all(scope), scope, wanted, limit, cursor))

    async def finding_counts(self, scope: Scope, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted by some of FINDING_KEYS, most first. Raises StorageError."""
        return await self._alone(lambda: finding_counts(self._all(scope), scope, wanted, by))

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

    def _all(self, scope: Scope) -> Iterator[Exchange]:
        return self._newest_first(scope, ExchangeFilter(), None)

    def _heads(self, scope: Scope, wanted: ExchangeFilter, cursor: str | None) -> Iterator[Exchange]:
        """Of each trace its newest exchange that is wanted, where that stands after the cursor."""
        end = None if cursor is None else decode_cursor(cursor)
        seen: set[str] = set()
        for exchange in self._newest_first(scope, wanted, None):
            if exchange.trace_id not in seen:
                seen.add(exchange.trace_id)
                if end is None or (exchange.started_at, exchange.id) < end:
                    yield exchange

    def _of_trace(self, scope: Scope, exchange: Exchange) -> Iterator[Exchange]:
        return self._newest_first(scope, ExchangeFilter(trace_id=exchange.trace_id), None)

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


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise StorageError(f"a page of {limit} rows: at least 1 is needed")
