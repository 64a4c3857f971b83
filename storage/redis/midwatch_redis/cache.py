"""The cache in Redis or Valkey: one round trip an operation, and each of them is whole."""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from midwatch_core import (
    Admission,
    Allowance,
    Clock,
    Demand,
    StorageError,
    SystemClock,
    check_actual,
    check_amounts,
    check_demands,
    check_seconds,
    check_seed,
    lifetime_us,
    moment,
)
from midwatch_redis.address import Address
from midwatch_redis.asking import admission, keys_of, words_of
from midwatch_redis.faults import translated
from midwatch_redis.keys import Keys, decoded, encoded
from midwatch_redis.scripts import Script, Scripts, scripts

CONNECT_S = 1.0
COMMAND_S = 0.5
_CONNECTIONS = 32
# More would keep others waiting for the server, and take it longer than an answer may.
_ADDED_AT_ONCE = 10_000


class RedisCache:
    """A CacheLayer. A server that was away is used again as soon as it is back.

    `clock` tells when periods end; limits and holds go by the server's own time (`Scripts`).
    """

    def __init__(self, address: Address, *, clock: Clock | None = None, operations: Scripts | None = None) -> None:
        self._address = address
        self._clock = clock or SystemClock()
        self._scripts = operations or scripts()
        self._keys = Keys(address.prefix)
        self._client: Redis | None = None

    async def start(self) -> None:
        """Connect. Where the server is away it raises, and the cache is open all the same."""
        if self._client is None:
            self._client = Redis.from_pool(_pool(self._address))
        await self._ask("PING")

    async def get(self, key: str) -> bytes | None:
        """The value under `key`."""
        value: bytes | None = await self._ask("GET", self._keys.value(key))
        return value

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        """Keep a value."""
        time = () if ttl_s is None else ("PX", _ms(ttl_s, "a value's time"))
        await self._ask("SET", self._keys.value(key), value, *time)

    async def ttl(self, key: str) -> float | None:
        """The seconds a value has left."""
        left: int = await self._ask("PTTL", self._keys.value(key))
        if left < 0:
            return math.inf if left == -1 else None
        return left / 1000

    async def invalidate(self, *keys: str) -> int:
        """Forget values."""
        return int(await self._ask("DEL", *map(self._keys.value, keys))) if keys else 0

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take or renew a lease."""
        words = [encoded(holder), b"%d" % _ms(ttl_s, "a lease")]
        return bool(await self._run(self._scripts.lease, [self._keys.lease(name)], words))

    async def release(self, name: str, holder: str) -> None:
        """Let a lease go."""
        await self._run(self._scripts.release, [self._keys.lease(name)], [encoded(holder)])

    async def admit(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        """Take all demands, or none."""
        check_demands(demands, hold_s)
        wall_us = self._wall_us()
        words = words_of(ticket, demands, hold_s=hold_s, wall_us=wall_us)
        reply = await self._run(self._scripts.admit, keys_of(self._keys, ticket, demands), words)
        return admission(reply, demands, wall_us=wall_us)

    async def settle(self, ticket: str, actual: Mapping[str, int]) -> bool:
        """Have the counters stand at what was used."""
        check_actual(actual)
        words = [encoded(ticket)]
        for name, amount in actual.items():
            words += (encoded(name), b"%d" % amount)
        return bool(await self._run(self._scripts.settle, [self._keys.ticket(ticket)], words))

    async def add(self, key: str, amounts: Mapping[str, float], *, ttl_s: float) -> None:
        """Add to sums."""
        time = b"%d" % _ms(ttl_s, "the time of sums")
        check_amounts(amounts)
        for some in batched(amounts.items(), _ADDED_AT_ONCE):
            words = [word for name, amount in some for word in (encoded(name), repr(float(amount)).encode())]
            await self._run(self._scripts.add, [self._keys.sums(key)], [time, *words])

    async def sums(self, key: str) -> Mapping[str, float]:
        """The sums as they are now."""
        kept: dict[str, float] = {}
        for some in await self._run(self._scripts.sums, [self._keys.sums(key)], []):
            kept.update((name, float(amount)) for name, amount in batched(json.loads(decoded(some)), 2))
            await asyncio.sleep(0)  # all are of one moment already; the loop has others to see to while they are read
        return kept

    async def seed(self, name: str, amount: int, *, ends_s: float) -> None:
        """Begin the counter of an allowance."""
        check_seed(name, amount, ends_s)
        ends_us = Allowance(limit=0, ends_s=ends_s).ends_us
        key = self._keys.allowance(name, ends_us)
        await self._ask("SET", key, amount, "NX", "PX", lifetime_us(ends_us, self._wall_us()) // 1000)

    async def close(self) -> None:
        """Let go of all connections."""
        client, self._client = self._client, None
        if client is not None:
            with translated(self._address):
                await client.aclose()

    def _wall_us(self) -> int:
        return moment(self._clock).wall_us

    async def _run(self, script: Script, keys: Sequence[bytes], words: Sequence[bytes]) -> Any:
        try:
            return await self._ask("EVALSHA", script.sha, len(keys), *keys, *words)
        except StorageError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
        return await self._ask("EVAL", script.text, len(keys), *keys, *words)

    async def _ask(self, *command: Any) -> Any:
        if self._client is None:
            raise StorageError(f"{self._address}: the cache is not open")
        with translated(self._address):
            return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]  # none of theirs


def _pool(address: Address) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        max_connections=_CONNECTIONS,
        timeout=COMMAND_S,
        connection_class=SSLConnection if address.tls else Connection,
        host=address.host,
        port=address.port,
        db=address.db,
        username=address.user,
        password=address.password,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=COMMAND_S,
        client_name="midwatch",
        # What was sent twice would count twice.
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        **_trusted(address),
    )


def _trusted(address: Address) -> dict[str, Any]:
    if not address.tls:
        return {}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": address.ca}


def _ms(seconds: float, what: str) -> int:
    check_seconds(seconds, what)
    return max(1, round(seconds * 1000))
