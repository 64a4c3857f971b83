"""The schema's version: looked up in plain SQL; alembic is imported only where a migration is due.

Traces and metadata have a version table and a line of revisions each: they may share a database, or not.
"""

import sqlite3
from typing import Literal

from midwatch_core import StorageError
from midwatch_sql.location import Location

type Part = Literal["traces", "metadata"]

# The newest revision of each part; a test holds it to what is in migrations/.
HEADS: dict[Part, str] = {"traces": "traces_0001", "metadata": "metadata_0001"}


def version_table(part: Part) -> str:
    """Where alembic notes a part's revision."""
    return f"{part}_version"


def current_revision(connection: sqlite3.Connection, part: Part) -> str | None:
    """A part's revision in this database; None where nothing of it is there. Raises sqlite3.Error."""
    exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if connection.execute(exists, (version_table(part),)).fetchone() is None:
        return None
    found = connection.execute(f"SELECT version_num FROM {version_table(part)}").fetchone()  # noqa: S608  # one of two names
    return None if found is None else str(found[0])


def bring_up_to_date(connection: sqlite3.Connection, location: Location, part: Part) -> None:
    """Migrate to the newest revision where that is needed and allowed. Raises StorageError, sqlite3.Error."""
    revision = current_revision(connection, part)
    if revision == HEADS[part]:
        return
    if revision is not None and revision > HEADS[part]:
        raise StorageError(
            f"{location.path}: written by a newer Midwatch (its {part} are at {revision}, this one knows "
            f"{HEADS[part]}): update Midwatch, or name another database"
        )
    if location.read_only:
        raise StorageError(f"{location.path}: no {part} of this version there yet; `start` brings it up to date")
    from midwatch_sql.migrations.running import upgrade

    upgrade(location, part)
