"""Metadata in PostgreSQL: a small pool of connections runs the dialogues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from midwatch_core import Migrations, StorageError
from midwatch_sql.dialogue import Dialogue, Rows, Statement
from midwatch_sql.plain_text import from_plain, to_plain
from midwatch_sql.postgres_address import Address
from midwatch_sql.postgres_connecting import make_engine, take_turn
from midwatch_sql.postgres_errors import translated
from midwatch_sql.postgres_migrating import PostgresMigrations
from midwatch_sql.revisions import check_usable

TIMEOUT_S = 10.0


class PostgresStore:
    """A Store in one PostgreSQL database, for any number of processes. No call of its takes much over `timeout_s`."""

    def __init__(self, address: Address, *, timeout_s: float = TIMEOUT_S) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._engine: AsyncEngine | None = None
        self.migrations: Migrations = PostgresMigrations(address, timeout_s=timeout_s)

    async def start(self, *, migrate: bool) -> None:
        """Connect once, to see that all is well. Raises StorageError."""
        if self._engine is not None:
            return
        state = await self.migrations.state()
        check_usable(self._address.name, "metadata", state, migrate=migrate)
        if not state.is_current:
            await self.migrations.up()
        self._engine = make_engine(self._address, timeout_s=self._timeout_s)

    async def read[Result](self, dialogue: Dialogue[Result]) -> Result:
        """Run a dialogue that changes nothing. Raises StorageError."""
        async with self._transaction() as connection:
            return await _run(connection, dialogue)

    async def write[Result](self, dialogue: Dialogue[Result]) -> Result:
        """Run a dialogue whole or not at all, while nobody else writes. Raises StorageError."""
        async with self._transaction() as connection:
            await take_turn(connection)
            return await _run(connection, dialogue)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        if self._engine is None:
            raise StorageError(f"{self._address.name}: the repository is not open")
        with translated(self._address.name):
            async with asyncio.timeout(self._timeout_s), self._engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Let go of the connections; of those the server does not answer on as well."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await engine.dispose()


async def _run[Result](connection: AsyncConnection, dialogue: Dialogue[Result]) -> Result:
    try:
        statement = next(dialogue)
        while True:
            statement = dialogue.send(await _rows(connection, statement))
    except StopIteration as end:
        result: Result = end.value
        return result


async def _rows(connection: AsyncConnection, statement: Statement) -> Rows:
    values = {name: to_plain(value) if isinstance(value, str) else value for name, value in statement.values.items()}
    answer = await connection.execute(_clause(statement.sql), values)
    if not answer.returns_rows:
        return ()
    return [tuple(_read(value) for value in row) for row in answer]


def _read(value: Any) -> Any:
    return from_plain(value) if isinstance(value, str) else value


@lru_cache(256)
def _clause(sql: str) -> TextClause:
    return text(sql)
