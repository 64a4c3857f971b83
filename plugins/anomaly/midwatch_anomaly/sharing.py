"""Nodes that share a cache: each adds what it stores to the bucket's sums there, and one of them judges them all."""

import logging
import os
import socket
import uuid

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
                await self._cache.add(self._key(number), _amounts(bucket), ttl_s=_KEPT * self._bucket_s)
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
        for name, amount in (await self._cache.sums(self._key(number))).items():
            tenant, part, field = _read_name(name)
            if part is not None:
                bucket.add_field(tenant, part, field, amount)
        return bucket

    def _put_back(self, number: int, bucket: Bucket) -> None:
        there = self.bucket(number)
        for tenant, parts in bucket.tenants.items():
            for part, sums in parts.items():
                there.add(tenant, part, sums)

    def _key(self, number: int) -> str:
        return f"anomaly:{self._bucket_s}:{number}"


def _amounts(bucket: Bucket) -> dict[str, float]:
    return {
        _SEPARATOR.join((_plain(tenant), scope, _plain(name), str(field))): sums[field]
        for tenant, parts in bucket.tenants.items()
        for (scope, name), sums in parts.items()
        for field in range(len(FIELDS))
        if sums[field]
    }


def _plain(name: str) -> str:
    """A name that any cache takes: no separator of ours, and nothing that UTF-8 has no bytes for."""
    return name.replace(_SEPARATOR, " ").encode(errors="replace").decode()


def _read_name(name: str) -> tuple[str, Part | None, int]:
    """Names of other versions are left out."""
    words = name.split(_SEPARATOR)
    if len(words) != 4 or words[1] not in list(Scope) or not words[3].isdecimal() or int(words[3]) >= len(FIELDS):
        return "", None, 0
    return words[0], (Scope(words[1]), words[2]), int(words[3])
