"""Running alembic over a SQLite file: up or down, in one transaction that two processes can't be in at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from midwatch_core import StorageError
from midwatch_sql.connecting import open_writer
from midwatch_sql.location import Location
from midwatch_sql.migrating import Part, version_table


def scripts(part: Part) -> ScriptDirectory:
    """A part's revisions."""
    return ScriptDirectory(str(Path(__file__).parent / part))


def upgrade(location: Location, part: Part, revision: str = "head") -> None:
    """Bring a part up to a revision; nothing happens where it is there already. Raises StorageError, sqlite3.Error."""
    directory = scripts(part)
    _run(location, part, directory, lambda at, _: directory._upgrade_revs(revision, at))


def downgrade(location: Location, part: Part, revision: str = "base") -> None:
    """Take a part back to a revision; `base` removes its tables. Raises StorageError, sqlite3.Error."""
    directory = scripts(part)
    _run(location, part, directory, lambda at, _: directory._downgrade_revs(revision, at))


def _run(location: Location, part: Part, directory: ScriptDirectory, steps: Any) -> None:
    environment = EnvironmentContext(Config(), directory)
    with _transaction(location) as connection:
        environment.configure(
            connection=connection, fn=steps, version_table=version_table(part), transactional_ddl=True
        )
        with environment:
            environment.run_migrations()


@contextmanager
def _transaction(location: Location) -> Iterator[Connection]:
    """BEGIN IMMEDIATE waits for a process that migrates at this moment; what it did is seen then."""
    engine = create_engine("sqlite://", creator=lambda: open_writer(location), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise StorageError(f"{location.path}: {error}") from error
    finally:
        engine.dispose()
