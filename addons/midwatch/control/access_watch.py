"""Keeping tenants and keys current: what control knows of them, what it writes for workers, what other nodes change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from midwatch.access_file import read_access, write_access
from midwatch.home import Home
from midwatch_core.access.administering import VERSION_SETTING
from midwatch_core.access.directory import Directory
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.model.tenant import Tenant
from midwatch_core.ports import MetadataRepository

logger = logging.getLogger(__name__)
_LOOK_S = 2.0
# After so many looks all is read, whatever the version: a store may fail between a change and its version.
_LOOKS = 30


class AccessWatch:
    """Holds the directory of now. With the store away the last one stays in force, across a restart too.

    `configured` gives the tenants of the configuration, `tell` is awaited when workers are to read the file again.
    """

    def __init__(
        self,
        home: Home,
        metadata: MetadataRepository,
        configured: Callable[[], Sequence[Tenant]],
        tell: Callable[[], Awaitable[None]],
    ) -> None:
        self._home = home
        self._metadata = metadata
        self._configured = configured
        self._tell = tell
        self._directory = Directory.merged(configured(), (), ())
        self._seen: str | None = None
        # Whether what is held, or what workers were told, may be older than what the store has; and whether we said so.
        self._behind = True
        self._said = False
        self._lock = asyncio.Lock()

    def directory(self) -> Directory:
        """Tenants and keys as they are known now."""
        return self._directory

    async def start(self) -> None:
        """Take what the home has from before, then what the store has."""
        try:
            self._directory = read_access(self._home, self._configured())
        except ConfigError as error:
            logger.error("%s", error)
        await self.refresh()

    async def refresh(self) -> None:
        """Read tenants and keys now: after a change of our own, and of the configuration."""
        async with self._lock:
            try:
                await self._read()
            except StorageError as error:
                self._fell_behind("the store does not say who has access, the last it said stays in force", error)
            except OSError as error:
                self._fell_behind("who has access could not be written for workers", error)

    async def run(self) -> None:
        """Look every two seconds whether another node changed something, for ever."""
        while True:
            for _ in range(_LOOKS):
                await asyncio.sleep(_LOOK_S)
                await self.look()
            await self.refresh()

    async def look(self) -> None:
        """Read again where the store has another version than was read last, or what was read last did not arrive."""
        if not self._behind:
            try:
                if await self._metadata.setting(VERSION_SETTING) == self._seen:
                    return
            except StorageError:
                pass  # reading says what is wrong
        await self.refresh()

    async def _read(self) -> None:
        # The version first: a change that comes between is read twice, and never missed.
        version = await self._metadata.setting(VERSION_SETTING)
        tenants, keys = await self._metadata.tenants(), await self._metadata.keys()
        fresh = Directory.merged(self._configured(), tenants, keys)
        if fresh != self._directory or self._behind:
            self._behind = True
            self._directory = fresh  # for faces at once, also where it can't be written for workers
            write_access(self._home, fresh)
            await self._tell()
        if self._said:
            logger.info("who has access is known again")
        self._seen, self._behind, self._said = version, False, False

    def _fell_behind(self, message: str, error: Exception) -> None:
        if not self._said:
            logger.error("%s: %s", message, error)
        self._behind = self._said = True
