from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.sql.databases import Database, PostgresDatabase, SqliteDatabase
from tests.storage.sql.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests that leave it running."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each engine."""
    if request.param == "sqlite":
        return SqliteDatabase(tmp_path / "midwatch.db")
    return PostgresDatabase(request.getfixturevalue("postgres_url"))
