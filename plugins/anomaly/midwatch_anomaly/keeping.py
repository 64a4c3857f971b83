"""Baselines over restarts: in a file of the home, or by tenant in the cache that all nodes share."""

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

import orjson

from midwatch_anomaly.state import StateError
from midwatch_anomaly.watching import Watcher
from midwatch_core import CacheLayer

logger = logging.getLogger(__name__)

# Tenants that are packed without a pause, in the loop of the house: some milliseconds.
_AT_ONCE = 100
_MAGIC = b"midwatch-anomaly 1\n"
# No state is longer; a length beyond is not ours.
_MOST_BYTES = 64 * 1024**2
_MOST_TENANTS = 50_000


class Keeper(Protocol):
    """Where baselines are kept. `load` never fails for what is there: that is said in the log, and left aside."""

    async def load(self, watcher: Watcher) -> None:
        """Teach a watcher what is kept."""
        ...

    async def save(self, watcher: Watcher) -> None:
        """Keep what a watcher knows. Raises OSError or StorageError."""
        ...

    async def forget(self, tenant: str) -> None:
        """Keep nothing of a tenant any more. Raises OSError or StorageError."""
        ...


class FileKeeper:
    """One file, replaced in one step. One that is torn, or of somebody else, is renamed, and learning begins anew."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "baselines"
        self._fresh = folder / ".baselines"
        self._bad = folder / "baselines.bad"

    async def load(self, watcher: Watcher) -> None:
        """Read the file; nobody else may use the watcher meanwhile."""
        await asyncio.to_thread(self._read, watcher)

    async def save(self, watcher: Watcher) -> None:
        """Write the file anew, some tenants at a time. Raises OSError."""
        with await asyncio.to_thread(self._begin) as file:
            tenants = watcher.tenants()
            for at in range(0, len(tenants), _AT_ONCE):
                records = [_record(tenant, watcher.dump(tenant)) for tenant in tenants[at : at + _AT_ONCE]]
                await asyncio.to_thread(file.writelines, records)
            await asyncio.to_thread(self._end, file)

    async def forget(self, tenant: str) -> None:
        """Write the file anew without a tenant, and delete what was set aside. Raises OSError.

        Of what can't be read nobody knows whose it is: it goes too.
        """
        await asyncio.to_thread(self._rewrite, tenant)

    def _rewrite(self, tenant: str) -> None:
        self._bad.unlink(missing_ok=True)
        try:
            file = self._file.open("rb")
        except FileNotFoundError:
            self._fresh.unlink(missing_ok=True)
            return
        with file, self._begin() as fresh:
            for name, data in self._whole(file):
                if name != tenant:
                    fresh.write(_record(name, data))
            self._end(fresh)

    def _whole(self, file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
        try:
            yield from _records(file)
        except StateError as error:
            logger.warning("anomaly: %s can't be read (%s): what it has from there on is gone", self._file, error)

    def _read(self, watcher: Watcher) -> None:
        try:
            with self._file.open("rb") as file:
                for tenant, data in _records(file):
                    watcher.load(tenant, data)
        except FileNotFoundError:
            return
        except (OSError, StateError) as error:
            self._set_aside(error)

    def _begin(self) -> IO[bytes]:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._fresh.open("wb")
        file.write(_MAGIC)
        return file

    def _end(self, file: IO[bytes]) -> None:
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._fresh.replace(self._file)

    def _set_aside(self, error: Exception) -> None:
        logger.warning("anomaly: %s can't be read (%s): what it has from there on is learned anew", self._file, error)
        try:
            self._file.replace(self._bad)
        except OSError as trouble:
            logger.warning("anomaly: %s stays where it is: %s", self._file, trouble)


class CacheKeeper:
    """A value a tenant, and one with the names of all; they go when nobody keeps them any more."""

    def __init__(self, cache: CacheLayer, *, ttl_s: float) -> None:
        self._cache = cache
        self._ttl_s = ttl_s

    async def load(self, watcher: Watcher) -> None:
        """Read all values. Raises StorageError."""
        for tenant in _names(await self._cache.get(_NAMES)):
            data = await self._cache.get(_key(tenant))
            if data is None:
                continue
            try:
                watcher.load(tenant, data)
            except StateError as error:
                logger.warning("anomaly: what is kept of tenant %s is learned anew: %s", tenant, error)

    async def save(self, watcher: Watcher) -> None:
        """Write all values. Raises StorageError."""
        tenants = watcher.tenants()
        for tenant in tenants:
            await self._cache.set(_key(tenant), watcher.dump(tenant), ttl_s=self._ttl_s)
        await self._cache.set(_NAMES, orjson.dumps(tenants), ttl_s=self._ttl_s)

    async def forget(self, tenant: str) -> None:
        """Delete a tenant's value, and its name. Raises StorageError."""
        await self._cache.invalidate(_key(tenant))
        kept = await self._cache.get(_NAMES)
        if tenant in (names := _names(kept)):
            names.remove(tenant)
            await self._cache.set(_NAMES, orjson.dumps(names), ttl_s=self._ttl_s)


_NAMES = "anomaly:tenants"


def _key(tenant: str) -> str:
    return f"anomaly:baseline:{tenant}"


def _names(data: bytes | None) -> list[str]:
    try:
        names = orjson.loads(data or b"[]")
    except ValueError:
        names = None
    if not isinstance(names, list):
        logger.warning("anomaly: the names of tenants in the cache can't be read: all are learned anew")
        return []
    return [name for name in names if isinstance(name, str)][:_MOST_TENANTS]


def _record(tenant: str, data: bytes) -> bytes:
    name = tenant.encode(errors="surrogatepass")
    return len(name).to_bytes(4, "big") + len(data).to_bytes(4, "big") + name + data


def _records(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Raises StateError where the file ends too early, or is none of ours."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise StateError("it is not ours")
    while lengths := file.read(8):
        name, data = (int.from_bytes(lengths[at : at + 4], "big") for at in (0, 4))
        if len(lengths) < 8 or name + data > _MOST_BYTES:
            raise StateError("it is torn")
        record = file.read(name + data)
        if len(record) < name + data:
            raise StateError("it is torn")
        yield _text(record[:name]), record[name:]


def _text(data: bytes) -> str:
    try:
        return data.decode(errors="surrogatepass")
    except UnicodeDecodeError as error:
        raise StateError("a name is no text") from error
