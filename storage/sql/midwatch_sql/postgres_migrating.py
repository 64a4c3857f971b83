"""The schema in a PostgreSQL database. Migrations run in a thread with a loop of its own: alembic blocks."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncConnection

from midwatch_core import SchemaState
from midwatch_sql.postgres_address import Address
from midwatch_sql.postgres_connecting import make_engine, take_turn
from midwatch_sql.postgres_errors import translated
from midwatch_sql.revisions import Part, check_revision, check_usable, schema_state, version_table

_MIGRATING_S = 600.0
_PART: Part = "metadata"
_PRESENT = text("""
SELECT place.relname FROM pg_class place
WHERE place.relnamespace = to_regnamespace(current_schema()) AND place.relkind IN ('r', 'p')
UNION ALL
SELECT place.relname || '.' || field.attname FROM pg_class place JOIN pg_attribute field ON field.attrelid = place.oid
WHERE place.relnamespace = to_regnamespace(current_schema()) AND place.relkind IN ('r', 'p')
AND field.attnum > 0 AND NOT field.attisdropped
""")
_NOTED = text(f"SELECT version_num FROM {version_table(_PART)} ORDER BY 1 DESC")  # noqa: S608  # a name of ours


class PostgresMigrations:
    """The Migrations of the metadata in a PostgreSQL database."""

    def __init__(self, address: Address, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    async def state(self) -> SchemaState:
        """How it stands. Raises StorageError."""
        engine = make_engine(self._address, timeout_s=self._timeout_s, pool=NullPool)
        with translated(self._address.name):
            async with asyncio.timeout(self._timeout_s), engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")  # one moment, for both questions
                return await _state(connection)

    async def up(self) -> tuple[str, ...]:
        """Apply what is pending. Raises StorageError."""
        from midwatch_sql.migrations.running import run_up

        return await self._in_thread(lambda connection: run_up(connection, _PART))

    async def down(self, revision: str | None) -> tuple[str, ...]:
        """Go back to `revision`, or to nothing. Raises StorageError."""
        from midwatch_sql.migrations.running import run_down

        check_revision(_PART, revision)
        return await self._in_thread(lambda connection: run_down(connection, _PART, revision or "base"))

    async def _in_thread(self, run: Callable[[Any], tuple[str, ...]]) -> tuple[str, ...]:
        with translated(self._address.name):
            return await asyncio.to_thread(lambda: asyncio.run(self._migrate(run)))

    async def _migrate(self, run: Callable[[Any], tuple[str, ...]]) -> tuple[str, ...]:
        engine = make_engine(self._address, timeout_s=_MIGRATING_S, pool=NullPool)
        async with asyncio.timeout(_MIGRATING_S), engine.begin() as connection:
            await take_turn(connection)
            check_usable(self._address.name, _PART, await _state(connection), migrate=True)
            return await connection.run_sync(run)


async def _state(connection: AsyncConnection) -> SchemaState:
    present = {str(name) for (name,) in await connection.execute(_PRESENT)}
    noted: list[str] = []
    if version_table(_PART) in present:
        noted = [str(number) for (number,) in await connection.execute(_NOTED)]
    return schema_state(_PART, noted=noted, present=present)
