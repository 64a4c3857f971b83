"""Metadata in a SQLite file: its threads run the dialogues."""

import sqlite3

from midwatch_core import Migrations
from midwatch_sql.database import Database
from midwatch_sql.dialogue import Dialogue
from midwatch_sql.location import Location
from midwatch_sql.migrating import SqliteMigrations, bring_up_to_date


class SqliteStore:
    """A Store in one SQLite file, which it may share with SqliteTraces. BEGIN IMMEDIATE lets writers take turns."""

    def __init__(self, location: Location) -> None:
        self.database = Database(location)
        self.migrations: Migrations = SqliteMigrations(location, "metadata")

    async def start(self, *, migrate: bool) -> None:
        """Open the file; made where it is not there, unless the URL says mode=ro. Raises StorageError."""
        location = self.database.location
        await self.database.start(
            lambda connection: bring_up_to_date(connection, location, "metadata", migrate=migrate)
        )

    async def read[Result](self, dialogue: Dialogue[Result]) -> Result:
        """Run a dialogue over one unchanging view of the file. Raises StorageError."""
        return await self.database.read(lambda connection: _run(connection, dialogue))

    async def write[Result](self, dialogue: Dialogue[Result]) -> Result:
        """Run a dialogue in a transaction of its own. Raises StorageError."""
        return await self.database.write(lambda connection: _run(connection, dialogue))

    async def close(self) -> None:
        """Let go of the file."""
        await self.database.close()


def _run[Result](connection: sqlite3.Connection, dialogue: Dialogue[Result]) -> Result:
    try:
        statement = next(dialogue)
        while True:
            statement = dialogue.send(connection.execute(statement.sql, statement.values).fetchall())
    except StopIteration as end:
        result: Result = end.value
        return result
