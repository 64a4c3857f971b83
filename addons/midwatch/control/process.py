"""The control process: takes the home's lock, opens the store, and runs pipeline, door, console and watchers."""

import argparse
import asyncio
import fcntl
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from midwatch.control.access_room import AccessRoom
from midwatch.control.anchoring import anchored
from midwatch.control.authority_room import AuthorityRoom
from midwatch.control.budget_alerts import BudgetAlerts
from midwatch.control.console import Console
from midwatch.control.door import Door
from midwatch.control.enforcement_log import EnforcementLog
from midwatch.control.exchange_numbers import ExchangeNumbers
from midwatch.control.finding_alerts import FindingAlerts
from midwatch.control.forgetting import Forgetting, tell_plugins
from midwatch.control.incidents import IncidentNotes, IncidentRoom
from midwatch.control.intake import IntakeRoom
from midwatch.control.live import Live
from midwatch.control.numbers import declared
from midwatch.control.pinned import PinnedRoom
from midwatch.control.reloading import Reloader
from midwatch.control.report_answers import answer_report
from midwatch.control.retention import Retention
from midwatch.control.reviewers import reviewer_of
from midwatch.control.seeding import seed_threader
from midwatch.control.sightings import SightingStore, forget_old_sightings
from midwatch.control.spent import Spent
from midwatch.control.standing import Standing
from midwatch.control.surroundings import Ground, Surroundings
from midwatch.control.tally import Tally
from midwatch.control.troubles import TroubleWatch
from midwatch.crew.child import EXIT_HELD
from midwatch.crew.parents import ends_with_parent, tell_ready
from midwatch.home import Home
from midwatch.logs import set_up_logs
from midwatch.pool.opening import pool_of
from midwatch.settings import Settings, placed, read_snapshot
from midwatch.stores import pace_of, stores_of
from midwatch_core.breaker import Breaker
from midwatch_core.clock import SystemClock
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError, StorageUnavailableError
from midwatch_core.model.exchange import Exchange
from midwatch_core.pipeline import Pipeline
from midwatch_core.policy import Policy
from midwatch_core.storage import storage_profile
from midwatch_journal import JournalError, JournalReader

logger = logging.getLogger(__name__)

# Calls come first: where processors are short, storing them waits, and the journal keeps what it must.
_NICENESS = 5
# What workers saw last is given so long to reach the store at the end.
_SETTLE_S = 2.0


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
    except StorageUnavailableError as error:
        logger.error("%s; calls are journalled until it is back", error)
        return 1  # started again, until there is a store
    except (ConfigError, StorageError, JournalError) as error:
        logger.error("%s", error)
        return 2


class Control:
    """The control process at work."""

    def __init__(self, settings: Settings, *, private: bool = False) -> None:
        self._settings = settings
        self._home = settings.home
        self._clock = SystemClock()
        self._metrics = declared(settings.plugins)
        self._tally = Tally(self._metrics)
        self._live = Live()
        self._stopping = asyncio.Event()
        self._jobs: set[asyncio.Task[None]] = set()
        self._storage = stores_of(settings)
        profile = storage_profile(settings.config, self._home.root)
        self._metadata = anchored(self._storage.metadata, self._home, profile.metadata)
        self._reader = JournalReader(self._home.journal)
        self._pool = pool_of(settings, self._metrics)
        self._reviewer = reviewer_of(settings, self._pool, self._clock, self._metrics)
        self._audit = EnforcementLog(self._metadata)
        self._counts = ExchangeNumbers(self._metrics)
        self._pipeline = Pipeline(
            self._reader,
            self._storage.traces,
            settings.plugins,
            self._metrics,
            stored=self._stored,
            reviewer=self._reviewer,
            breaker=Breaker.of(settings.config.breakers),
            pace=pace_of(profile.traces, settings.config.plugins),
            awaited=lambda: self._intake.intake.busy,
        )
        self._standing = Standing(
            settings=settings,
            private=private,
            metrics=self._metrics,
            tally=self._tally,
            reader=self._reader,
            pipeline=self._pipeline,
            pool=self._pool,
            memos=self._reviewer.engine.memos,
            clock=self._clock,
        )
        self._incidents = IncidentRoom(
            self._metadata,
            settings.plugins,
            self._metrics,
            record=self._audit.note,
            clock=self._clock,
            notes=IncidentNotes(self._home.open_incidents),
        )
        self._standing.troubles = self._incidents.health
        raise_alert = self._incidents.raise_alert
        self._troubles = TroubleWatch(self._standing.condition, raise_alert, self._metrics, clock=self._clock)
        self._budgets = BudgetAlerts(raise_alert, self._clock)
        self._findings = FindingAlerts(raise_alert, self._clock, settings.config.incidents)
        self._access = AccessRoom(
            self._home, settings.config, self._metadata, self._clock, self._tell_access, private=private
        )
        self._intake = IntakeRoom(settings, self._reviewer, self._access.watch.directory, self._clock, self._metrics)
        self._inventory = settings.config.inventory
        self._sightings = SightingStore(self._metadata)
        self._pinned = PinnedRoom(self._home, self._clock, self._tell_pinned)
        self._authority = AuthorityRoom(
            self._home, settings.config, self._clock, self._tell_authority, self._metadata.append_audit
        )
        self._desks = Surroundings(self._ground(), scanner=self._intake.scanner, reload=self._reload)
        self._host = self._desks.host(live=self._live, intake=self._intake.intake)
        self._door = self._new_door()
        self._reloader = Reloader(
            settings, self._host, self._metadata, self._door.tell_workers, reloaded=self._take_reloaded
        )

    async def run(self, console_fd: int | None, parent: int, ready: int | None) -> int:
        """Work until told to stop, then see the journal into the store. 0 when all went in order."""
        async with AsyncExitStack() as stack:
            stack.callback(self._reader.close)
            stack.push_async_callback(self._storage.close)  # one may be open when another can't be reached
            await self._storage.start()
            await self._access.start()
            await self._incidents.start()
            for outcome in await self._settings.plugins.wait_all("startup", deadline_s=30.0, host=self._host):
                if not outcome.ok:
                    raise ConfigError(str(outcome.error)) from outcome.error
            if self._pool is not None:
                self._pool.warm()
                stack.push_async_callback(self._pool.close)
            stack.push_async_callback(self._settings.plugins.wait_all, "shutdown", deadline_s=5.0, host=self._host)
            await self._door.start(self._home.control_socket)
            stack.push_async_callback(self._door.close)
            self._start_watchers(stack)
            stack.push_async_callback(self._intake.close)
            self._serve_console(stack, console_fd)
            self._watch_signals(parent)
            self._standing.started = True
            tell_ready(ready)
            await seed_threader(self._pipeline, self._storage.traces, self._clock)
            gc.collect()
            gc.freeze()  # what is here to stay: a look at it all held every page and live event up for a quarter second
            await self._pipeline.run(self._stopping)
            await self._sightings.settle(_SETTLE_S)
            await self._incidents.settle(_SETTLE_S)
        return 0

    def _ground(self) -> Ground:
        return Ground(
            settings=self._settings,
            traces=self._storage.traces,
            metadata=self._metadata,
            clock=self._clock,
            metrics=self._metrics,
            reviewer=self._reviewer,
            access=self._access,
            stands=self._standing,
            incidents=self._incidents,
            cache=self._storage.cache,
        )

    def _new_door(self) -> Door:
        traces, caught_up = self._storage.traces, self._pipeline.caught_up
        queries = self._desks.queries
        return Door(
            queries=queries,
            live=self._live,
            tally=self._tally,
            caught_up=caught_up,
            reload=lambda restart: self._reloader.reload(restart=restart),
            status=self._standing.status,
            stamp=lambda: self._reloader.stamp,
            administer=self._access.administer,
            spent=Spent(traces=traces, caught_up=caught_up).answer,
            forget=Forgetting(
                queries=queries,
                metadata=self._metadata,
                clock=self._clock,
                caught_up=caught_up,
                let_go=self._incidents.forget,
                tell=partial(tell_plugins, self._settings.plugins, self._host),
            ).answer,
            policies=self._desks.policies.answer,
            crossed=self._budgets.take,
            sighted=self._sightings.take,
            pinned=self._pinned.take,
            unpin=self._pinned.answer,
            authority=self._authority.answer,
            reports=partial(answer_report, self._desks.reports),
        )

    def _start_watchers(self, stack: AsyncExitStack) -> None:
        """What looks after something for as long as we live."""
        self._desks.open(self._host)
        for job in (
            self._reloader.watch(),
            self._audit.run(),
            self._access.run(),
            self._troubles.run(),
            self._incidents.run(),
            self._sightings.run(),
            self._authority.run(),
            *self._desks.jobs(),
            forget_old_sightings(lambda: self._inventory.retention_days, self._metadata, self._clock),
            self._retention().run(),
        ):
            stack.callback(asyncio.create_task(job).cancel)

    def _retention(self) -> Retention:
        return Retention(
            days=self._settings.config.retention_days,
            incident_days=self._settings.config.incidents.keep_days,
            terms=self._access.retention_terms,
            traces=self._storage.traces,
            metadata=self._metadata,
            clock=self._clock,
        )

    def _serve_console(self, stack: AsyncExitStack, descriptor: int | None) -> None:
        if descriptor is None:
            return
        console = Console(self._settings.plugins.gather("mounts", host=self._host))
        console.start(socket.socket(fileno=descriptor))
        stack.push_async_callback(console.close)

    def _watch_signals(self, parent: int) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        ends_with_parent(parent, self._stopping)

    def _reload_soon(self) -> None:
        job = asyncio.create_task(self._reload())
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def _stored(self, exchanges: Sequence[Exchange]) -> None:
        self._live.publish(exchanges)
        self._counts.take(exchanges)
        self._audit.take(exchanges)
        self._findings.take(exchanges)
        self._settings.plugins.call_all("stored", exchanges=exchanges)

    async def _tell_access(self) -> None:
        await self._door.tell_workers({"op": "access"})

    async def _tell_pinned(self) -> None:
        await self._door.tell_workers({"op": "pinned"})

    async def _tell_authority(self) -> None:
        await self._door.tell_workers({"op": "authority"})

    async def _take_reloaded(self, config: Config, policy: Policy) -> None:
        """Everything was read anew: the policy, what detectors find by, and the configuration's tenants."""
        self._desks.follow(config, policy)
        self._inventory = config.inventory
        self._findings.follow(config.incidents)
        self._intake.follow(config)
        self._reviewer.policy = policy
        self._reviewer.forget()
        if self._pool is not None:
            self._pool.reload()
        await self._access.follow(config)
        await self._authority.follow(config)

    async def _reload(self) -> None:
        await self._reloader.reload()


if __name__ == "__main__":
    sys.exit(main())
