"""The trace repository over ClickHouse."""

import asyncio
from collections.abc import Sequence

from midwatch_clickhouse.address import Address
from midwatch_clickhouse.checking import sums_apart
from midwatch_clickhouse.conditions import add_text, conditions
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.conversing import conversations_in
from midwatch_clickhouse.costing import costs_of
from midwatch_clickhouse.counting import activity_in
from midwatch_clickhouse.document import put_together
from midwatch_clickhouse.finding import finding_counts_in, findings_in
from midwatch_clickhouse.layout import layout_of
from midwatch_clickhouse.migrating import ClickHouseMigrations
from midwatch_clickhouse.putting import prepare, put_batch
from midwatch_clickhouse.recent_texts import RecentTexts
from midwatch_clickhouse.rows import SELECTED, row_from
from midwatch_clickhouse.searching import page_of_matches
from midwatch_clickhouse.server_errors import translated
from midwatch_clickhouse.sweeping import sweep
from midwatch_core import (
    ActivityRow,
    Clock,
    ConversationPage,
    CostRow,
    Exchange,
    ExchangeFilter,
    FindingCount,
    FindingFilter,
    FindingPage,
    Page,
    SchemaError,
    Scope,
    StorageError,
    SystemClock,
    encode_cursor,
)

# The inner SELECT finds the place by the projection over ids, the outer one reads it.
_GET = """
    SELECT tenant, detail, texts FROM exchanges
    WHERE (tenant, started_at, id) IN (SELECT tenant, started_at, id FROM exchanges WHERE id = {id:String}) LIMIT 1
"""
_TEXTS = "SELECT hash, body FROM texts WHERE tenant = {tenant:String} AND hash IN {keys:Array(String)}"


class ClickHouseTraces:
    """A TraceRepository in one ClickHouse database, which other processes may use at the same time."""

    def __init__(self, address: Address, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._layout = layout_of(address)
        self._connection = Connection(address)
        self._migrations = ClickHouseMigrations(self._connection, self._layout)
        self._recent = RecentTexts()

    @property
    def migrations(self) -> ClickHouseMigrations:
        """The schema's migrations."""
        return self._migrations

    async def start(self, *, migrate: bool = True) -> None:
        """Connect, and migrate or check the schema. Raises StorageError; SchemaError with the command to run."""
        await self._connection.open()
        if migrate:
            await self._migrations.up()
            return
        state = await self._migrations.state()
        if state.is_current:
            return
        at = state.current or "nothing"
        problem = state.problem or f"its traces are at {at}, this version needs {state.head}: run `midwatch migrate up`"
        raise SchemaError(f"{self._connection.address.shown}: {problem}")

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch: whole or not at all within a month, and whole once it is put again. Raises StorageError."""
        with translated(self._connection.address):
            batch = await asyncio.to_thread(prepare, exchanges)
        try:
            await put_batch(self._connection, self._recent, batch, self._clock.monotonic())
        except StorageError:
            self._recent.clear()
            raise

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows, newest first. Raises StorageError."""
        _check_limit(limit)
        found = conditions(scope, wanted, cursor)
        with translated(self._connection.address):
            if wanted.text is not None:
                return await page_of_matches(self._connection, found, wanted.text, limit)
            query = (
                f"SELECT {SELECTED} FROM exchanges WHERE {found.where}"  # noqa: S608  # names and parameters only
                f" ORDER BY started_at DESC, id DESC LIMIT {limit + 1}"
            )
            rows = [row_from(values) for values in await self._connection.rows(query, found.values)]
        more = len(rows) > limit
        rows = rows[:limit]
        return Page(rows=tuple(rows), cursor=encode_cursor(rows[-1].started_at, rows[-1].id) if more else None)

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange with all its texts; None where there is none in scope. Raises StorageError."""
        with translated(self._connection.address):
            found = await self._connection.rows(_GET, {"id": exchange_id})
            if not found or not scope.allows(found[0][0]):
                return None
            tenant, detail, keys = found[0]
            texts = await self._connection.rows(_TEXTS, {"tenant": tenant, "keys": list(keys)}) if keys else []
            return put_together(detail, {str(key): str(body) for key, body in texts})

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums grouped by some of COST_KEYS, highest cost first. Raises StorageError."""
        with translated(self._connection.address):
            return await costs_of(self._connection, scope, wanted, by)

    async def activity(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """Counts grouped by some of COST_KEYS, most calls first. Raises StorageError."""
        with translated(self._connection.address):
            return await activity_in(self._connection, scope, wanted, by)

    async def conversations(
        self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces that have an exchange which is wanted, newest first. Raises StorageError."""
        _check_limit(limit)
        with translated(self._connection.address):
            return await conversations_in(self._connection, scope, wanted, limit, cursor)

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        """A page of findings, those of the newest exchanges first. Raises StorageError."""
        _check_limit(limit)
        with translated(self._connection.address):
            return await findings_in(self._connection, scope, wanted, limit, cursor)

    async def finding_counts(self, scope: Scope, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted by some of FINDING_KEYS, most first. Raises StorageError."""
        with translated(self._connection.address):
            return await finding_counts_in(self._connection, scope, wanted, by)

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        """Forget these exchanges, and texts nothing refers to any more; how many went. Slow. Raises StorageError."""
        found = conditions(scope, wanted)
        if wanted.text is not None:
            add_text(found, wanted.text, scope)
        return await sweep(self._connection, self._layout, found)

    async def sums_apart(self) -> Sequence[str]:
        """A line for each hourly sum that is not what its rows come to, at most 100. Raises StorageError."""
        return await sums_apart(self._connection)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.close()


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise StorageError(f"a page of {limit} rows: at least 1 is needed")
