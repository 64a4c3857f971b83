"""The console alone at work: the same desks and pages as in control, over the same stores.

It takes the control's place in its home, so that no two processes write the same files there.
"""

import asyncio
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from midwatch.control.access_room import AccessRoom
from midwatch.control.alone.standing import AloneStanding
from midwatch.control.anchoring import anchored
from midwatch.control.console import Console
from midwatch.control.intake.scanning import PolicyScanner
from midwatch.control.numbers import declared
from midwatch.control.reloading import Reloader
from midwatch.control.reviewers import reviewer_of
from midwatch.control.surroundings import Ground, Surroundings
from midwatch.home import Home
from midwatch.pool.opening import pool_of
from midwatch.settings import Settings
from midwatch.stores import stores_of
from midwatch_core.clock import SystemClock
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.host import Role
from midwatch_core.policy import Policy
from midwatch_core.storage import storage_profile

logger = logging.getLogger(__name__)


@contextmanager
def place_in(home: Home) -> Iterator[None]:
    """The place of the one control process of a home, held. Raises ConfigError where another holds it."""
    lock = os.open(home.control_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(
            f"--home {home.root}: a Midwatch runs there, and has its console; give this one a home of its own"
        ) from None
    finally:
        os.close(lock)


class ConsoleAlone:
    """One process of its own, whose home is prepared. Raises ConfigError where the settings can't be."""

    def __init__(self, settings: Settings) -> None:
        profile = storage_profile(settings.config, settings.home.root)
        if profile.traces.startswith("memory:") or profile.metadata.startswith("memory:"):
            raise ConfigError("storage: what one process has in memory no other can show; name stores that are shared")
        self._settings = settings
        self._clock = SystemClock()
        self._metrics = declared(settings.plugins)
        self._storage = stores_of(settings)
        self._pool = pool_of(settings, self._metrics)
        self._reviewer = reviewer_of(settings, self._pool, self._clock, self._metrics)
        self._standing = AloneStanding(settings=settings, metrics=self._metrics, storage=self._storage, pool=self._pool)
        metadata = anchored(self._storage.metadata, settings.home, profile.metadata)
        self._access = AccessRoom(settings.home, settings.config, metadata, self._clock, self._tell_nobody)
        ground = Ground(
            settings=settings,
            traces=self._storage.traces,
            metadata=metadata,
            clock=self._clock,
            metrics=self._metrics,
            reviewer=self._reviewer,
            access=self._access,
            stands=self._standing,
        )
        scanner = PolicyScanner(self._reviewer, self._clock, default=settings.config.tenant)
        self._desks = Surroundings(ground, scanner=scanner, reload=self._reload)
        self._host = self._desks.host(role=Role.FACE)
        self._reloader = Reloader(settings, self._host, metadata, self._tell_nobody, reloaded=self._take_reloaded)

    async def run(self, sock: socket.socket) -> int:
        """Serve on a bound socket until SIGTERM or SIGINT; 0."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._storage.close)
            await self._start(stack)
            console = Console(self._settings.plugins.gather("mounts", host=self._host))
            console.start(sock)
            stack.push_async_callback(console.close)
            self._standing.started = True
            await stopping.wait()
        return 0

    async def _start(self, stack: AsyncExitStack) -> None:
        """Open the stores, start plugins, and let everything run that looks after something."""
        plugins = self._settings.plugins
        await self._storage.start()
        await self._access.start()
        for outcome in await plugins.wait_all("startup", deadline_s=30.0, host=self._host):
            if not outcome.ok:
                raise ConfigError(str(outcome.error)) from outcome.error
        stack.push_async_callback(plugins.wait_all, "shutdown", deadline_s=5.0, host=self._host)
        if self._pool is not None:
            self._pool.warm()
            stack.push_async_callback(self._pool.close)
        self._desks.open(self._host)
        for job in (self._standing.run(), self._access.run(), self._reloader.watch(), *self._desks.jobs()):
            stack.callback(asyncio.create_task(job).cancel)

    async def _tell_nobody(self, *_: object) -> None:
        """There are no workers here."""

    async def _reload(self) -> None:
        await self._reloader.reload()

    async def _take_reloaded(self, config: Config, policy: Policy) -> None:
        self._desks.follow(config, policy)
        self._reviewer.policy = policy
        self._reviewer.forget()
        if self._pool is not None:
            self._pool.reload()
        await self._access.follow(config)
