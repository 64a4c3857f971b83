"""Nodes that share a cache: each adds what it stores to the bucket's sums there, and one of them judges them all."""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched, islice

from midwatch_anomaly.bucket import Bucket, Part
from midwatch_anomaly.change import Scope
from midwatch_anomaly.metrics_watched import FIELDS
from midwatch_core import CacheLayer, StorageError

logger = logging.getLogger(__name__)

# The lease of whoever judges, and how long it lasts after its holder is gone.
LEASE = "anomaly"
LEASE_S = 60.0
# Sums stay for so many buckets: a node that takes over may judge the last ones.
_KEPT = 10
# Older ones than so many buckets nobody judges any more.
_JUDGED = 5
_NOW_S = 0.001
# Tenants that are brought, and sums that are read, without a pause: some milliseconds.
_AT_ONCE, _READ_AT_ONCE = 200, 1000
_SCOPES = frozenset(map(str, Scope))
# Tenants that were forgotten, for the other nodes to know: longer than the lease of one that hangs.
_FORGOTTEN = "anomaly:forgotten"
_TOLD_S = 2 * LEASE_S
# Between the parts of a name; clients' names lose it.
_SEPARATOR = "\x1f"
# Buckets that wait where the cache is away; older ones are lost, and counted as not watched.
_MOST_WAITING = 3


class Sharing:
    """What of the stored calls is not in the cache yet, and the lease."""

    def __init__(self, cache: CacheLayer, *, bucket_s: int, most_names: int) -> None:
        self._cache = cache
        self._bucket_s = bucket_s
        self._most_names = most_names
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._waiting: dict[int, Bucket] = {}
        self._forgotten: dict[str, float] | None = None  # how often each was, when last looked

    def follow(self, most_names: int) -> None:
        """Keep so many names apart from the next bucket on."""
        self._most_names = most_names

    def bucket(self, number: int) -> Bucket:
        """Where to add what comes in the bucket of this number."""
        if number not in self._waiting:
            self._waiting[number] = Bucket(self._most_names)
            if len(self._waiting) > _MOST_WAITING:
                del self._waiting[min(self._waiting)]
        return self._waiting[number]

    async def flush(self) -> None:
        """Bring what waits to the cache. Raises StorageError; then it waits on."""
        for number in sorted(self._waiting):
            bucket = self._waiting.pop(number)
            try:
                await self._bring(number, bucket)
            except StorageError:
                self._put_back(number, bucket)
                raise

    async def lead(self) -> bool:
        """Whether it is ours to judge. Raises StorageError."""
        return await self._cache.lease(LEASE, self.holder, LEASE_S)

    async def leave(self) -> None:
        """Let somebody else judge. Raises StorageError."""
        await self._cache.release(LEASE, self.holder)

    async def read(self, number: int) -> Bucket:
        """The sums of all nodes. Raises StorageError."""
        bucket = Bucket(self._most_names)
        for some in batched((await self._cache.sums(self._key(number))).items(), _READ_AT_ONCE):
            for name, amount in some:
                tenant, part, field = _read_name(name)
                if part is not None:
                    bucket.add_field(tenant, part, field, amount)
            await asyncio.sleep(0)
        return bucket

    def forget(self, tenant: str) -> None:
        """Have nothing of a tenant wait."""
        for bucket in self._waiting.values():
            bucket.forget(tenant)

    async def erase(self, tenant: str, now: int) -> None:
        """Take a tenant out of the sums; `now` is the number of this bucket. Raises StorageError.

        Sums can be added to and expire, no more. So in a bucket that may be judged yet the tenant's go to nothing, and
        its names are gone when the bucket expires; older buckets expire at once.
        """
        begin = plain(tenant) + _SEPARATOR
        for number in range(now - _KEPT - _MOST_WAITING, now + 2):
            sums = await self._cache.sums(self._key(number))
            if gone := {name: -amount for name, amount in sums.items() if name.startswith(begin)}:
                ttl_s = _NOW_S if number < now - _JUDGED else _KEPT * self._bucket_s
                await self._cache.add(self._key(number), gone, ttl_s=ttl_s)

    async def tell_forgotten(self, tenant: str) -> None:
        """Have the other nodes forget a tenant too. Raises StorageError."""
        await self._cache.add(_FORGOTTEN, {plain(tenant): 1.0}, ttl_s=_TOLD_S)
        if self._forgotten is not None:
            self._forgotten[plain(tenant)] = self._forgotten.get(plain(tenant), 0.0) + 1.0

    async def forgotten(self) -> list[str]:
        """Tenants that another node forgot since this was asked last; none at first. Raises StorageError."""
        before, self._forgotten = self._forgotten, dict(await self._cache.sums(_FORGOTTEN))
        if before is None:
            return []
        return [tenant for tenant, times in self._forgotten.items() if times > before.get(tenant, 0.0)]

    async def _bring(self, number: int, bucket: Bucket) -> None:
        """Some tenants at a time; those that are there leave the bucket."""
        while some := list(islice(bucket.tenants.items(), _AT_ONCE)):
            await self._cache.add(self._key(number), _amounts(some), ttl_s=_KEPT * self._bucket_s)
            for tenant, _ in some:
                bucket.forget(tenant)

    def _put_back(self, number: int, bucket: Bucket) -> None:
        there = self.bucket(number)
        for tenant, parts in bucket.tenants.items():
            for part, sums in parts.items():
                there.add(tenant, part, sums)

    def _key(self, number: int) -> str:
        return f"anomaly:{self._bucket_s}:{number}"


def _amounts(tenants: Iterable[tuple[str, Mapping[Part, Sequence[float]]]]) -> dict[str, float]:
    return {
        _SEPARATOR.join((plain(tenant), scope, plain(name), str(field))): sums[field]
        for tenant, parts in tenants
        for (scope, name), sums in parts.items()
        for field in range(len(FIELDS))
        if sums[field]
    }


def plain(name: str) -> str:
    """A name that any cache takes: no separator of ours, and nothing that UTF-8 has no bytes for."""
    return name.replace(_SEPARATOR, " ").encode(errors="replace").decode()


def _read_name(name: str) -> tuple[str, Part | None, int]:
    """Names of other versions are left out."""
    words = name.split(_SEPARATOR)
    if len(words) != 4 or words[1] not in _SCOPES or not words[3].isdecimal() or int(words[3]) >= len(FIELDS):
        return "", None, 0
    return words[0], (Scope(words[1]), words[2]), int(words[3])
