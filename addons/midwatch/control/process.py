"""The control process: takes the home's lock, opens the store, and runs pipeline, door, console and watchers."""

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from midwatch import __version__
from midwatch.child import EXIT_HELD
from midwatch.control.console import Console
from midwatch.control.door import Door
from midwatch.control.enforcement_log import EnforcementLog
from midwatch.control.live import Live
from midwatch.control.reloading import Reloader
from midwatch.control.retention import keep_to
from midwatch.control.tally import Tally
from midwatch.home import Home
from midwatch.logs import set_up_logs
from midwatch.parents import ends_with_parent, tell_ready
from midwatch.plugin_report import METRICS as PLUGIN_METRICS
from midwatch.plugin_report import report as report_plugins
from midwatch.plugin_rows import plugin_rows
from midwatch.pool.opening import pool_of
from midwatch.proxy.guarding import METRICS as GUARDING
from midwatch.proxy.journaling import METRICS as WORKER_METRICS
from midwatch.proxy.lag import METRIC as LAG
from midwatch.settings import Settings, placed, policy_of, read_snapshot
from midwatch_core.clock import SystemClock
from midwatch_core.engine import Engine
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.host import Health, Host, Role
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.model.exchange import Exchange
from midwatch_core.pipeline import METRICS as PIPELINE_METRICS
from midwatch_core.pipeline import Pipeline
from midwatch_core.plugin_metrics import last_errors
from midwatch_core.policy import Policy
from midwatch_core.queries import Queries
from midwatch_core.reviewing import METRICS as REVIEWING
from midwatch_core.reviewing import Reviewer
from midwatch_core.storage import Storage, open_storage, storage_urls
from midwatch_journal import JournalError, JournalReader

logger = logging.getLogger(__name__)

# Calls come first: where processors are short, storing them waits, and the journal keeps what it must.
_NICENESS = 5
_METRICS = (
    MetricSpec(name="midwatch_journal_depth_bytes", kind=MetricKind.GAUGE, help="Journal bytes not stored yet"),
    MetricSpec(name="midwatch_workers", kind=MetricKind.GAUGE, help="Workers heard of in the last seconds"),
    MetricSpec(name="midwatch_build_info", kind=MetricKind.GAUGE, help="Always 1", labels=("version",)),
)


def main() -> int:
    """`python -m midwatch.control.process`; started by the supervisor or a script host, not by hand."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--console-fd", type=int, help="the console's bound socket")
    parser.add_argument("--console", help="where that is")
    parser.add_argument("--listen", help="where the proxy listens")
    parser.add_argument("--private", action="store_true", help="the proxy is one command's own: no other may join it")
    parser.add_argument("--parent", type=int, required=True, help="a pipe that closes when the parent dies")
    parser.add_argument("--ready", type=int, help="a pipe to tell the parent that we work")
    words = parser.parse_args()
    set_up_logs("control")
    os.nice(_NICENESS)
    home = Home(words.home)
    lock = os.open(home.control_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return EXIT_HELD
    try:
        settings = placed(read_snapshot(home), listen=words.listen, console=words.console)
        control = Control(settings, private=words.private)
        return asyncio.run(control.run(words.console_fd, words.parent, words.ready))
    except (ConfigError, StorageError, JournalError) as error:
        logger.error("%s", error)
        return 2


class Control:
    """The control process at work."""

    def __init__(self, settings: Settings, *, private: bool = False) -> None:
        self._settings = settings
        self._private = private
        self._home = settings.home
        self._metrics = Metrics()
        self._metrics.declare(PLUGIN_METRICS)
        for specs in (
            WORKER_METRICS,
            GUARDING,
            (LAG,),
            PIPELINE_METRICS,
            REVIEWING,
            _METRICS,
            settings.plugins.gather("metrics"),
        ):
            self._metrics.declare(specs)
        self._metrics.set("midwatch_build_info", 1, (__version__,))
        self._tally = Tally(self._metrics)
        self._live = Live()
        self._stopping = asyncio.Event()
        self._started = False
        self._storage: Storage = open_storage(settings.plugins, storage_urls(settings.config, self._home.root))
        self._reader = JournalReader(self._home.journal)
        self._pool = pool_of(settings, self._metrics)
        clock = SystemClock()
        self._reviewer = Reviewer(
            Engine(settings.plugins, clock=clock, elsewhere=self._pool, deadline_s=settings.config.plugins.deadline_s),
            policy_of(settings),
            self._home.hash_key(),
            clock,
            self._metrics,
        )
        self._audit = EnforcementLog(self._storage.metadata)
        self._pipeline = Pipeline(
            self._reader,
            self._storage.traces,
            settings.plugins,
            self._metrics,
            stored=self._stored,
            reviewer=self._reviewer,
        )
        self._host = Host(
            role=Role.CONTROL,
            home=self._home.root,
            metrics=self._metrics,
            settings=dict(settings.config),
            clock=clock,
            queries=Queries(traces=self._storage.traces),
            live=self._live,
            health=self._health,
            samples=self._samples,
            version=__version__,
            resources=tuple(settings.plugins.gather("resources")),
        )

    async def run(self, console_fd: int | None, parent: int, ready: int | None) -> int:
        """Work until told to stop, then see the journal into the store. 0 when all went in order."""
        async with AsyncExitStack() as stack:
            stack.callback(self._reader.close)
            await self._storage.start()
            stack.push_async_callback(self._storage.close)
            for outcome in await self._settings.plugins.wait_all("startup", deadline_s=30.0, host=self._host):
                if not outcome.ok:
                    raise ConfigError(str(outcome.error)) from outcome.error
            if self._pool is not None:
                self._pool.warm()
                stack.push_async_callback(self._pool.close)
            stack.push_async_callback(self._settings.plugins.wait_all, "shutdown", deadline_s=5.0, host=self._host)
            door = await self._open_door(stack)
            self._serve_console(stack, console_fd)
            self._watch_signals(door, parent)
            self._started = True
            tell_ready(ready)
            await self._pipeline.run(self._stopping)
        return 0

    async def _open_door(self, stack: AsyncExitStack) -> Door:
        assert self._host.queries is not None
        door = Door(
            queries=self._host.queries,
            live=self._live,
            tally=self._tally,
            caught_up=self._pipeline.caught_up,
            reload=self._reload,
            status=self._status,
        )
        self._reloader = Reloader(
            self._settings, self._host, self._storage.metadata, door.tell_workers, reloaded=self._take_policy
        )
        await door.start(self._home.control_socket)
        stack.push_async_callback(door.close)
        days = self._settings.config.retention_days
        for job in (self._reloader.watch(), self._audit.run(), keep_to(days, self._storage.traces, self._host.clock)):
            stack.callback(asyncio.create_task(job).cancel)
        return door

    def _serve_console(self, stack: AsyncExitStack, descriptor: int | None) -> None:
        if descriptor is None:
            return
        console = Console(self._settings.plugins.gather("mounts", host=self._host))
        console.start(socket.socket(fileno=descriptor))
        stack.push_async_callback(console.close)

    def _watch_signals(self, door: Door, parent: int) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._jobs: set[asyncio.Task[None]] = set()
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        ends_with_parent(parent, self._stopping)

    def _reload_soon(self) -> None:
        job = asyncio.create_task(self._reload())
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def _stored(self, exchanges: Sequence[Exchange]) -> None:
        self._live.publish(exchanges)
        self._audit.take(exchanges)

    def _take_policy(self, policy: Policy) -> None:
        """Everything was read anew: the policy, and what detectors find by."""
        self._reviewer.policy = policy
        self._reviewer.forget()
        if self._pool is not None:
            self._pool.reload()

    async def _reload(self) -> None:
        await self._reloader.reload()

    def _samples(self) -> list[Any]:
        self._metrics.set("midwatch_journal_depth_bytes", self._reader.depth().bytes)
        self._metrics.set("midwatch_workers", len(self._tally.living()))
        report_plugins(self._settings.plugins, self._pool, self._metrics)
        return self._tally.samples()

    def _health(self) -> Health:
        workers = self._tally.living()
        return Health(
            started=self._started,
            ready=self._started and bool(workers) and self._pipeline.available,
            parts={
                "workers": len(workers),
                "store": "available" if self._pipeline.available else "unavailable: the journal keeps",
                "journal_bytes": self._reader.depth().bytes,
                "version": __version__,
            },
        )

    def _status(self) -> dict[str, Any]:
        config = self._settings.config
        health = self._health()
        return {
            "pid": os.getpid(),
            "version": __version__,
            "listen": config.listen,
            "console": config.console,
            "config_file": str(self._settings.sources.file.absolute()) if self._settings.sources.file else None,
            "private": self._private,
            "ready": health.ready,
            **dict(health.parts),
            "plugins": plugin_rows(
                self._settings.plugins,
                config.plugins.in_loop,
                self._samples(),
                {**last_errors(self._settings.plugins), **self._tally.plugin_errors},
            ),
        }


if __name__ == "__main__":
    sys.exit(main())
