import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.traces import ClickHouseTraces
from tests.storage.clickhouse.engine import Engine, EngineUnavailableError, running_engine

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all tests."""
    try:
        with running_engine(tmp_path_factory.mktemp("clickhouse")) as engine:
            yield engine
    except EngineUnavailableError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
async def admin(engine: Engine) -> AsyncIterator[Connection]:
    """A connection to no database of ours."""
    connection = Connection(parse_url(engine.url("default")))
    await connection.open()
    yield connection
    await connection.close()


@pytest.fixture
async def url(engine: Engine, admin: Connection) -> AsyncIterator[str]:
    """A database of a test's own, empty."""
    name = f"test_{next(_numbers)}"
    await admin.command(f"CREATE DATABASE {name}")
    yield engine.url(name)
    await admin.command(f"DROP DATABASE IF EXISTS {name} SYNC")


@pytest.fixture
async def repository(url: str) -> AsyncIterator[ClickHouseTraces]:
    """A started repository."""
    repository = ClickHouseTraces(parse_url(url))
    await repository.start()
    yield repository
    await repository.close()


@pytest.fixture
async def direct(url: str) -> AsyncIterator[Connection]:
    """A connection of the test's own to the repository's database."""
    connection = Connection(parse_url(url))
    await connection.open()
    yield connection
    await connection.close()
