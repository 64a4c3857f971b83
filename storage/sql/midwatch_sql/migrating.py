"""The schema in a SQLite file: looked up in plain SQL; alembic is imported only where an old one is to be migrated."""

import asyncio
import sqlite3
from collections.abc import Callable

from midwatch_core import SchemaError, SchemaState, StorageError
from midwatch_sql.connecting import in_transaction, open_reader
from midwatch_sql.laying_out import lay_out
from midwatch_sql.location import Location
from midwatch_sql.revisions import Part, check_revision, check_usable, schema_state, version_table
from midwatch_sql.sqlite_errors import translated

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"
_COLUMNS = (
    "SELECT place.name || '.' || field.name FROM sqlite_schema place, pragma_table_info(place.name) field "
    "WHERE place.type = 'table'"
)


def state_of(connection: sqlite3.Connection, part: Part) -> SchemaState:
    """How a part stands in this database, at one moment: another process may be migrating. Raises sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        return _seen(connection, part)
    finally:
        connection.execute("ROLLBACK")


def bring_up_to_date(connection: sqlite3.Connection, location: Location, part: Part, *, migrate: bool = True) -> None:
    """Lay out, or migrate to the newest revision, where that is needed and allowed.

    Raises StorageError, sqlite3.Error, OSError.
    """
    state = state_of(connection, part)
    check_usable(str(location.path), part, state, migrate=migrate)
    if state.is_current:
        return
    if location.read_only:
        raise SchemaError(f"{location.path}: no {part} of this version there yet; `start` brings it up to date")
    if state.current is None and _laid_out(connection, part):
        return
    from midwatch_sql.migrations.running import upgrade

    upgrade(location, part)


def _seen(connection: sqlite3.Connection, part: Part) -> SchemaState:
    """How a part stands, in the connection's transaction."""
    present = {name for (name,) in connection.execute(f"{_TABLES} UNION ALL {_COLUMNS}")}
    noted: list[str] = []
    if version_table(part) in present:
        rows = connection.execute(f"SELECT version_num FROM {version_table(part)} ORDER BY 1 DESC")  # noqa: S608  # one of two names
        noted = [str(number) for (number,) in rows]
    return schema_state(part, noted=noted, present=present)


def _laid_out(connection: sqlite3.Connection, part: Part) -> bool:
    """Make all of a part, unless another process was first: then False."""

    def work(connection: sqlite3.Connection) -> bool:
        first = _seen(connection, part).current is None
        if first:
            lay_out(connection, part)
        return first

    return in_transaction(connection, work)


class SqliteMigrations:
    """The Migrations of one part in a SQLite file."""

    def __init__(self, location: Location, part: Part) -> None:
        self._location = location
        self._part: Part = part

    async def state(self) -> SchemaState:
        """How it stands; a file that is not there is an empty one, and is not made. Raises StorageError."""
        return await self._in_thread(self._state)

    async def up(self) -> tuple[str, ...]:
        """Apply what is pending. Raises StorageError."""

        def work() -> tuple[str, ...]:
            from midwatch_sql.migrations.running import upgrade

            return upgrade(self._location, self._part)

        return await self._changed(work)

    async def down(self, revision: str | None) -> tuple[str, ...]:
        """Go back to `revision`, or to nothing. Raises StorageError."""
        check_revision(self._part, revision)

        def work() -> tuple[str, ...]:
            from midwatch_sql.migrations.running import downgrade

            return downgrade(self._location, self._part, revision or "base")

        return await self._changed(work)

    async def _changed(self, work: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        if self._location.read_only:
            raise StorageError(f"{self._location.path}: opened with mode=ro, nothing can be migrated")

        def checked() -> tuple[str, ...]:
            check_usable(str(self._location.path), self._part, self._state(), migrate=True)
            return work()

        return await self._in_thread(checked)

    def _state(self) -> SchemaState:
        if not self._location.path.exists():
            return schema_state(self._part, noted=(), present=())
        connection = open_reader(self._location)
        try:
            return state_of(connection, self._part)
        finally:
            connection.close()

    async def _in_thread[Result](self, work: Callable[[], Result]) -> Result:
        def run() -> Result:
            with translated(self._location.path):
                return work()

        return await asyncio.to_thread(run)
