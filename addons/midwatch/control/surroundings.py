"""The surroundings of plugins in the control process: the desks that faces ask, and the host that leads to them."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from midwatch import __version__
from midwatch.control.access_room import AccessRoom
from midwatch.control.governing_rows import GoverningRows
from midwatch.control.incidents import Desk as AlertsDesk
from midwatch.control.incidents import IncidentRoom, Links
from midwatch.control.installation import LiveInstallation
from midwatch.control.policy_desk.room import PolicyRoom
from midwatch.control.report_desk import Desk
from midwatch.control.titles import Titles
from midwatch.settings import Settings
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.host import Health, Host, LiveFeed, Role
from midwatch_core.intake import Intake
from midwatch_core.metrics import Metrics, Sample
from midwatch_core.policy import Policy
from midwatch_core.ports import CacheLayer, MetadataRepository, TraceRepository
from midwatch_core.queries import Queries
from midwatch_core.reviewing import Reviewer
from midwatch_core.scanning import Scanner
from midwatch_core.triaging import Triaging


class Stands(Protocol):
    """How the process that all this is in stands."""

    def health(self) -> Health:
        """Whether it works, and how its parts do."""
        ...

    def samples(self) -> list[Sample]:
        """The metrics it knows of."""
        ...

    def status(self) -> dict[str, Any]:
        """What commands ask."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a control process has before it has desks. `metadata` is the anchored one (see `anchoring`).

    A face alone has no `incidents` of its own, and shares no `cache`.
    """

    settings: Settings
    traces: TraceRepository
    metadata: MetadataRepository
    clock: Clock
    metrics: Metrics
    reviewer: Reviewer
    access: AccessRoom
    stands: Stands
    incidents: IncidentRoom | None = None
    cache: CacheLayer | None = None


class Surroundings:
    """All desks of a process, made once. `reload` is awaited when all processes are to read their settings again."""

    def __init__(self, ground: Ground, *, scanner: Scanner, reload: Callable[[], Awaitable[None]]) -> None:
        settings, stands = ground.settings, ground.stands
        self._ground = ground
        self._scanner = scanner
        self._titles = Titles(settings)
        self.queries = Queries(traces=ground.traces, metadata=ground.metadata, titles=self._titles.of)
        links = Links(settings.home.hash_key(), ground.clock)
        self.alerts = AlertsDesk(ground.metadata, ground.clock, links, ground.incidents)
        self.reports = Desk(ground.metadata, ground.clock, settings.home.pending_reports)
        self.policies = PolicyRoom(
            settings,
            ground.metadata,
            self.queries,
            ground.clock,
            in_use=lambda: ground.reviewer.policy,
            reload=reload,
        )
        self._config = settings.config
        self._installation = LiveInstallation(
            settings, status=stands.status, samples=stands.samples, governing=self._governing()
        )

    def host(self, *, role: Role = Role.CONTROL, live: LiveFeed | None = None, intake: Intake | None = None) -> Host:
        """The host. Without `live` and `intake` this process tails nothing, and takes no calls."""
        ground = self._ground
        return Host(
            role=role,
            home=ground.settings.home.root,
            metrics=ground.metrics,
            settings=dict(ground.settings.config),
            clock=ground.clock,
            queries=self.queries,
            live=live,
            health=ground.stands.health,
            samples=ground.stands.samples,
            access=ground.access.doorkeeper,
            administration=ground.access.administration,
            intake=intake,
            scanner=self._scanner,
            triaging=Triaging(queries=self.queries, metadata=ground.metadata, clock=ground.clock),
            policies=self.policies.desk,
            reports=self.reports,
            installation=self._installation,
            alerts=self.alerts,
            cache=ground.cache,
            version=__version__,
            resources=tuple(ground.settings.plugins.gather("resources")),
        )

    def follow(self, config: Config, policy: Policy) -> None:
        """From now on, go by this configuration and policy. Raises ConfigError where the catalogue can't be read."""
        self.policies.take(config, policy)
        self._titles.follow(config)
        self._installation.follow(config)
        self._config = config

    def _governing(self) -> GoverningRows:
        directory = self._ground.access.watch.directory
        return GoverningRows(
            config=lambda: self._config,
            tenants=lambda: [tenant.name for tenant in directory().tenants],
            traces=self._ground.traces,
            samples=self._ground.stands.samples,
            clock=self._ground.clock,
        )

    def open(self, host: Host) -> None:
        """Offer what plugins bring, when they have been started: kinds of reports, and where alerts go out."""
        plugins = self._ground.settings.plugins
        self.reports.open(plugins.gather("reports", host=host))
        self.alerts.reach(plugins, host)

    def jobs(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What desks do for as long as the process lives."""
        yield self.alerts.watch()
        yield self.policies.run()
        yield self.reports.run()
