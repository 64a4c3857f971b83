"""Reloading: on SIGHUP and when a watched file changes. What is bad is reported; the last good one stays.

What only a start can change is written down too: the supervisor reads it there, and replaces who started by other
settings (see `crew.wanted`).
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from midwatch.settings import (
    Settings,
    catalogue_of,
    dialects_of,
    policy_file,
    policy_of,
    resolve,
    restart_asked_for,
    write_snapshot,
)
from midwatch.start_checks import check_settings, check_start
from midwatch.trust import write_upstream_bundle
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.host import Host
from midwatch_core.model.audit import AuditRecord
from midwatch_core.policy import Policy
from midwatch_core.ports import MetadataRepository

logger = logging.getLogger(__name__)
_LOOK_S = 1.0
# Sockets are bound for as long as the supervisor lives.
_BOUND = ("listen", "console", "mode")

type Signature = tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What was wrong, and the stamp of the snapshot that workers go by from now on; 0 where none was written."""

    problems: tuple[str, ...]
    stamp: int


class Reloader:
    """Reads the configuration again, asks plugins to reload, tells the workers, and puts it on record."""

    def __init__(
        self,
        settings: Settings,
        host: Host,
        metadata: MetadataRepository,
        tell: Callable[[dict[str, object]], Awaitable[None]],
        *,
        reloaded: Callable[[Config, Policy], Awaitable[None]] | None = None,
    ) -> None:
        self._settings = settings
        self._host = host
        self._metadata = metadata
        self._tell = tell
        self._reloaded = reloaded
        self._fresh: tuple[Config, Policy] | None = None
        self._restart = restart_asked_for(settings.home)
        self._stamp = 0
        self._lock = asyncio.Lock()

    @property
    def stamp(self) -> int:
        """The stamp of the snapshot that all should go by now: the last one written, or the one we began with."""
        return self._stamp or self._settings.stamp

    async def reload(self, *, restart: bool = False) -> Reloaded:
        """Reload everything now. With `restart`, all processes but the supervisor are to be started again too."""
        async with self._lock:
            before = self._restart
            if restart:
                self._restart = secrets.token_hex(8)
            problem = await self._reload_config()
            if problem:
                self._restart = before
            problems = [item for item in (problem, *await self._reload_plugins()) if item]
            for problem in problems:
                logger.error("reload: %s; the last good one stays", problem)
            if not problems:
                logger.info("reloaded")
            if self._reloaded is not None and self._fresh is not None:
                await self._reloaded(*self._fresh)
            await self._tell({"op": "reload"})
            await self._record(problems)
            return Reloaded(problems=tuple(problems), stamp=self._stamp)

    async def watch(self) -> None:
        """Look at the watched files every second, and reload when one changed."""
        before = self._signatures()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = self._signatures()
            if now != before:
                before = now
                await self.reload()

    async def _reload_config(self) -> str | None:
        try:
            fresh = resolve(
                self._settings.home, config_file=self._settings.sources.file, flags=self._settings.sources.flags
            )
            fresh = replace(fresh, config=self._as_bound(fresh.config))
            await self._check(fresh)
            catalogue_of(fresh, dialects_of(fresh.plugins))
            policy = policy_of(fresh)
            self._stamp = write_snapshot(fresh, restart=self._restart)
            self._fresh = fresh.config, policy
            self._host = replace(self._host, settings=dict(fresh.config))
        except (ConfigError, OSError) as error:
            self._take_policy()
            return str(error)
        return None

    async def _check(self, fresh: Settings) -> None:
        """What a start would look at. Raises ConfigError."""
        if fresh.config.storage == self._settings.config.storage:
            check_settings(fresh)
        else:
            await asyncio.to_thread(check_start, fresh)  # it asks other stores about their schemas
        if fresh.config.upstream_ca is not None:
            write_upstream_bundle(fresh.home, fresh.config.upstream_ca)

    def _take_policy(self) -> None:
        """Under the last good configuration: workers read the policy anew then too, and one may have been published."""
        config = self._fresh[0] if self._fresh is not None else self._settings.config
        with contextlib.suppress(ConfigError):  # then the last good one stays
            self._fresh = config, policy_of(replace(self._settings, config=config))

    def _as_bound(self, fresh: Config) -> Config:
        """Where sockets are is not read again."""
        running = self._settings.config
        return fresh.model_copy(update={key: getattr(running, key) for key in _BOUND})

    async def _reload_plugins(self) -> list[str | None]:
        outcomes = await self._settings.plugins.wait_all("reload", deadline_s=10.0, host=self._host)
        return [None if outcome.ok else f"{outcome.name}: {outcome.error}" for outcome in outcomes]

    async def _record(self, problems: list[str]) -> None:
        record = AuditRecord(
            at=datetime.now(UTC),
            actor="control",
            action="reload",
            subject="configuration",
            details={"problems": "; ".join(problems)} if problems else {},
        )
        try:
            await self._metadata.append_audit(record)
        except StorageError as error:
            logger.error("the reload could not be put on record: %s", error)

    def _signatures(self) -> dict[Path, Signature]:
        files = self._settings.plugins.gather("watched", host=self._host)
        own = [
            self._settings.sources.file or self._settings.home.config_file,
            policy_file(self._settings, str(self._host.settings.get("policy", ""))),
        ]
        return {path: _signature(path) for path in _paths([*own, *files])}


def _paths(found: Iterable[object]) -> list[Path]:
    return [path for path in found if isinstance(path, Path)]


def _signature(path: Path) -> Signature:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
