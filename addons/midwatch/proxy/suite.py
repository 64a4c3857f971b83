"""The suite: the addons of one worker, made from its settings, and what must be done at its start and end."""

import asyncio
import logging
from dataclasses import dataclass, replace

from midwatch.lines import LineClient
from midwatch.modes import own_addresses
from midwatch.plugin_report import report as report_plugins
from midwatch.pool.opening import pool_of
from midwatch.pool.pool import ScanPool
from midwatch.process_numbers import report_processes
from midwatch.proxy.admission.admitting import Admitting
from midwatch.proxy.admission.identified import identifier_of, identifying_of
from midwatch.proxy.admission.unread import Unread
from midwatch.proxy.beating import Beat
from midwatch.proxy.connecting import Connecting
from midwatch.proxy.decrypting import Decrypting
from midwatch.proxy.edges.edges import Edges, edges_of
from midwatch.proxy.governing.governance import Governance
from midwatch.proxy.governing.spending import Spending
from midwatch.proxy.guarding import Guarding
from midwatch.proxy.inventory.seeing import Seeing, seeing_of
from midwatch.proxy.journaling import Journalist
from midwatch.proxy.lag import watch_lag
from midwatch.proxy.numbers import WORKER
from midwatch.proxy.own_traffic import OwnTraffic
from midwatch.proxy.plain_addresses import PlainAddresses
from midwatch.proxy.recognising import Recognising
from midwatch.proxy.settling import Settling
from midwatch.proxy.sockets.addon import Sockets
from midwatch.proxy.sockets.conversing import Shared
from midwatch.proxy.upstream import Upstream
from midwatch.proxy.watching import Watching
from midwatch.settings import Settings, catalogue_of, dialects_of, policy_of, read_snapshot
from midwatch_core.clock import SystemClock
from midwatch_core.contributions import Resource
from midwatch_core.enforcement import Enforcer
from midwatch_core.engine import Engine
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.frame import slim
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics
from midwatch_core.plugin_metrics import last_errors
from midwatch_core.ports import CacheLayer
from midwatch_core.scan_metrics import report_memo
from midwatch_core.sealing import Sealers
from midwatch_core.storage import open_cache, storage_profile
from midwatch_journal import JournalLimits, JournalWriter, new_writer_id

logger = logging.getLogger(__name__)
_JOURNAL_CLOSE_S = 5.0


@dataclass(slots=True)
class Suite:
    """Addons, journal and heartbeat of one worker. `start` inside the loop that runs the proxy; `stop` at its end."""

    settings: Settings
    writer: JournalWriter
    journalist: Journalist
    recognising: Recognising
    admitting: Admitting
    settling: Settling
    watching: Watching
    sockets: Sockets
    seeing: Seeing
    unread: Unread
    decrypting: Decrypting
    connecting: Connecting
    upstream: Upstream
    edges: Edges
    beat: Beat
    host: Host
    engine: Engine
    pool: ScanPool | None
    governance: Governance
    caches: tuple[CacheLayer, ...]
    _lag: asyncio.Task[None] | None = None

    @property
    def addons(self) -> list[object]:
        """What mitmproxy is given, in order."""
        seeing = self.seeing
        return [
            PlainAddresses(),
            OwnTraffic(),
            *self.edges.door,
            self.decrypting,
            seeing.pinning,
            self.connecting,
            self.admitting,
            *self.edges.inside,
            self.watching,
            self.sockets,
            seeing.inventory,
            self.unread,
            self.upstream,
            seeing.owners,
        ]

    async def start(self) -> None:
        """Caches and plugins first, then the heartbeat. A cache that is away is called again when it is needed."""
        for cache in self.caches:
            try:
                await cache.start()
            except StorageError as error:
                logger.error("the cache of limits and budgets: %s", error)
        for outcome in self.settings.plugins.call_all("startup", host=self.host):
            if not outcome.ok:
                logger.error("%s: %s", outcome.name, outcome.error)
        if self.watching.guarding.enforcer.may_act:
            self.engine.warm()
            if self.pool is not None:
                self.pool.warm()
        self.edges.patience.start()
        self.beat.start()
        self._lag = asyncio.create_task(watch_lag(self.host.metrics), name="midwatch-lag")

    async def stop(self) -> None:
        """Flush the journal, settle what is under way, tell control and the plugins."""
        self.writer.close(_JOURNAL_CLOSE_S)
        await self.watching.governing.close()
        if self._lag is not None:
            self._lag.cancel()
        await self.edges.patience.stop()
        await self.beat.stop()
        self.seeing.close()
        if self.pool is not None:
            await self.pool.close()
        await self.settings.plugins.wait_all("shutdown", deadline_s=2.0, host=self.host)
        for cache in self.caches:
            await cache.close()

    def reload(self) -> None:
        """Take the settings that control has written anew; what can't be read leaves the last good ones."""
        try:
            fresh = read_snapshot(self.settings.home)
            catalogue = catalogue_of(fresh, dialects_of(self.settings.plugins))
            policy = policy_of(fresh)
            self.admitting.identifying.follow(fresh.config.identity)
            self.governance.follow(fresh.config)
            self.upstream.follow(fresh.config.upstream)
            self.edges.follow(fresh.config, catalogue)
        except ConfigError as error:
            logger.error("not reloaded: %s", error)
            return
        self.recognising.catalogue = catalogue
        self.decrypting.follow(catalogue, fresh.config.intercept)
        self.seeing.follow(fresh, catalogue)
        self.connecting.follow(fresh.config.connect_to)
        self.settings = replace(self.settings, config=fresh.config, stamp=fresh.stamp)
        self.readmit()
        self.watching.guarding.enforcer.policy = policy
        self._reload_plugins(acts=policy.may_act)

    def readmit(self) -> None:
        """Take the directory of tenants and keys that control has written anew; a damaged one leaves the last."""
        try:
            self.admitting.identifying.identifier = identifier_of(self.settings)
        except ConfigError as error:
            logger.error("tenants and keys not read anew: %s", error)
        self.unread.review()

    def _reload_plugins(self, *, acts: bool) -> None:
        """Detectors read their packs anew where they are needed; a bad one is reported, and the last good one stays."""
        self.host = replace(
            self.host, settings=dict(self.settings.config), resources=_resources(self.settings, acts=acts)
        )
        for outcome in self.settings.plugins.call_all("reload", host=self.host):
            if not outcome.ok:
                logger.error("not reloaded: %s: %s", outcome.name, outcome.error)
        if self.pool is not None:
            self.pool.reload()
        self.engine.forget()
        if acts:
            self.engine.warm()


def build(settings: Settings, *, name: str) -> Suite:
    """The suite of the worker called `name`. Raises ConfigError and JournalError."""
    home, config = settings.home, settings.config
    metrics = Metrics()
    metrics.declare(WORKER)
    metrics.declare(settings.plugins.gather("metrics"))
    dialects = dialects_of(settings.plugins)
    catalogue = catalogue_of(settings, dialects)
    limits = JournalLimits(max_bytes=config.journal.max_bytes, segment_bytes=config.journal.segment_bytes)
    writer = JournalWriter(home.journal, new_writer_id(name), slim=slim, limits=limits)
    journalist = Journalist(writer, when_full=config.journal.when_full)
    clock = SystemClock()
    sealers = Sealers(home.hash_key())
    decrypting = Decrypting(catalogue, config.intercept)
    connecting = Connecting(config.connect_to, own_addresses(config))
    policy = policy_of(settings)
    pool = pool_of(settings, metrics)
    engine = Engine(settings.plugins, clock=clock, elsewhere=pool, deadline_s=config.plugins.deadline_s)
    enforcer = Enforcer(engine=engine, policy=policy, key=home.hash_key(), clock=clock)
    beat = Beat(LineClient(home.control_socket), name=name, metrics=metrics)
    caches = _caches(settings)
    governance = Governance(
        config,
        cache=caches[0],
        own=caches[-1],
        plugins=settings.plugins,
        spending=Spending(LineClient(home.control_socket), metrics),
        clock=clock,
        metrics=metrics,
        tell=beat.crossings.take,
    )
    guard = settings.plugins.guard
    recognising = Recognising(catalogue, dialects)
    identifying = identifying_of(settings, clock=clock, metrics=metrics)
    admitting = Admitting(recognising, identifying, reads=decrypting.reads, guard=guard)
    settling = Settling(
        journalist,
        sealers=sealers,
        guarding=Guarding(enforcer, sealers=sealers, guard=guard, metrics=metrics),
        governing=governance.governing,
        clock=clock,
        metrics=metrics,
    )
    watching = Watching(
        recognising=recognising,
        admitting=admitting,
        settling=settling,
        sealers=sealers,
        clock=clock,
        metrics=metrics,
        guard=guard,
    )
    seeing = seeing_of(settings, catalogue, identifying, beat, clock=clock, metrics=metrics)
    sockets = Sockets(
        recognising,
        Shared(
            settling=settling,
            identifying=identifying,
            sealers=sealers,
            clock=clock,
            metrics=metrics,
            guard=guard,
            max_bytes=config.max_inspect_bytes,
            called=seeing.inventory.called,
        ),
    )
    suite = Suite(
        settings=settings,
        writer=writer,
        journalist=journalist,
        recognising=recognising,
        admitting=admitting,
        settling=settling,
        watching=watching,
        sockets=sockets,
        seeing=seeing,
        unread=Unread(identifying),
        decrypting=decrypting,
        connecting=connecting,
        upstream=Upstream(config.upstream, connecting, home),
        edges=edges_of(config, catalogue, identifying, clock=clock, metrics=metrics),
        beat=beat,
        host=Host(
            role=Role.WORKER,
            home=home.root,
            metrics=metrics,
            settings=dict(config),
            clock=clock,
            resources=_resources(settings, acts=policy.may_act),
        ),
        engine=engine,
        pool=pool,
        governance=governance,
        caches=caches,
    )

    def report() -> None:
        suite.unread.review()  # keys also expire, and nobody tells
        journalist.report(metrics)
        suite.seeing.inventory.lost()
        suite.edges.report()
        report_plugins(settings.plugins, pool, metrics)
        report_memo(engine.memos, metrics)
        report_processes(Role.WORKER, pool, metrics)

    suite.beat.report = report
    suite.beat.plugin_errors = lambda: last_errors(settings.plugins)
    suite.beat.reload = suite.reload
    suite.beat.stamp = lambda: suite.settings.stamp
    suite.beat.readmit = suite.readmit
    return suite


def _caches(settings: Settings) -> tuple[CacheLayer, ...]:
    """The configured cache, and this process's own for while that is away; one where they are the same."""
    profile = storage_profile(settings.config, settings.home.root)
    own = replace(profile, cache="memory://")
    return tuple(open_cache(settings.plugins, item) for item in ((profile,) if profile == own else (profile, own)))


def _resources(settings: Settings, *, acts: bool) -> tuple[Resource, ...]:
    """What detectors need: nothing where no line of policy could act on what they find, for control looks then."""
    return tuple(settings.plugins.gather("resources")) if acts else ()
