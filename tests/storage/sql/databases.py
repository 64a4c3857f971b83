"""Databases of both engines behind one face, so that one test holds for both."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from sqlalchemy import NullPool

from midwatch_core.ports import MetadataRepository, Migrations
from midwatch_sql import open_metadata
from midwatch_sql.location import Location
from midwatch_sql.migrations.running import run_up, upgrade
from midwatch_sql.postgres_address import parse_url
from midwatch_sql.postgres_connecting import make_engine


class Database(Protocol):
    """A database, empty at first."""

    @property
    def url(self) -> str:
        """What opens it."""
        ...

    async def change(self, *commands: str) -> None:
        """Run commands behind the repository's back."""
        ...

    async def tables(self) -> set[str]:
        """The names of its tables."""
        ...

    async def migrate_to(self, revision: str) -> None:
        """Bring the metadata up to a revision that need not be the newest."""
        ...


def metadata_of(database: Database) -> MetadataRepository:
    """A metadata repository over it, not started."""
    repository = open_metadata(database.url)
    assert repository is not None
    return repository


def migrations_of(database: Database) -> Migrations:
    """The migrations of its metadata."""
    migrations = metadata_of(database).migrations
    assert migrations is not None
    return migrations


@dataclass
class SqliteDatabase:
    """A file."""

    path: Path

    @property
    def url(self) -> str:
        """The URL."""
        return f"sqlite:///{self.path}"

    async def change(self, *commands: str) -> None:
        """Run commands behind the repository's back."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for command in commands:
                connection.execute(command)

    async def tables(self) -> set[str]:
        """The names of its tables."""
        with closing(sqlite3.connect(self.path)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    async def migrate_to(self, revision: str) -> None:
        """Bring the metadata up to a revision."""
        upgrade(Location(path=self.path), "metadata", revision)


@dataclass
class PostgresDatabase:
    """A database of a server."""

    url: str

    async def _rows(self, *commands: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            rows: list[Any] = []
            for command in commands:
                rows = await connection.fetch(command)
            return rows
        finally:
            await connection.close()

    async def change(self, *commands: str) -> None:
        """Run commands behind the repository's back."""
        await self._rows(*commands)

    async def tables(self) -> set[str]:
        """The names of its tables."""
        rows = await self._rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {row["tablename"] for row in rows}

    async def migrate_to(self, revision: str) -> None:
        """Bring the metadata up to a revision."""
        engine = make_engine(parse_url(self.url), timeout_s=30, pool=NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: run_up(sync, "metadata", revision))
