"""Running alembic over a database: up or down, in one transaction that two processes can't be in at once."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from midwatch_core import SchemaError, StorageError
from midwatch_sql.connecting import open_writer
from midwatch_sql.location import Location
from midwatch_sql.revisions import Part, version_table

# Revisions reach their connection through `alembic.op`, of which a process has one.
_alembic = threading.Lock()

type _Steps = Callable[[Any], Iterable[Any]]


def scripts(part: Part) -> ScriptDirectory:
    """A part's revisions."""
    return ScriptDirectory(str(Path(__file__).parent / part))


def run_up(connection: Connection, part: Part, revision: str = "head") -> tuple[str, ...]:
    """Bring a part up to a revision, in the transaction of this connection; the revisions applied, in order.

    Nothing happens where it is there already. Raises SchemaError where that revision can't be reached.
    """
    directory = scripts(part)
    return _run(connection, part, directory, lambda at: directory._upgrade_revs(revision, at))


def run_down(connection: Connection, part: Part, revision: str = "base") -> tuple[str, ...]:
    """Take a part back to a revision, `base` removes its tables; the revisions undone, in order. Raises SchemaError."""
    directory = scripts(part)
    return _run(connection, part, directory, lambda at: directory._downgrade_revs(revision, at))


def _run(connection: Connection, part: Part, directory: ScriptDirectory, steps: _Steps) -> tuple[str, ...]:
    environment = EnvironmentContext(Config(), directory)
    done: list[str] = []

    def noted(at: Any, _: Any) -> list[Any]:
        due = list(steps(at))
        done.extend(step.revision.revision for step in due)
        return due

    environment.configure(connection=connection, fn=noted, version_table=version_table(part), transactional_ddl=True)
    try:
        with _alembic, environment:
            environment.run_migrations()
    except CommandError as error:
        raise SchemaError(f"{part}: {' '.join(str(error).split())[:300]}") from error
    return tuple(done)


def upgrade(location: Location, part: Part, revision: str = "head") -> tuple[str, ...]:
    """Bring a part of a SQLite file up to a revision; those applied. Raises StorageError, sqlite3.Error."""
    with _transaction(location) as connection:
        return run_up(connection, part, revision)


def downgrade(location: Location, part: Part, revision: str = "base") -> tuple[str, ...]:
    """Take a part of a SQLite file back to a revision; those undone. Raises StorageError, sqlite3.Error."""
    with _transaction(location) as connection:
        return run_down(connection, part, revision)


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
