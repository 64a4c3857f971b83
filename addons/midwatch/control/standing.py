"""How the installation stands: its samples, its health, and what `status` tells, from what control holds."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from midwatch import __version__
from midwatch.control.certificate_expiry import Ends, ends_of
from midwatch.control.crew_numbers import report_crew
from midwatch.control.journal_counts import report_reader
from midwatch.control.occasionally import Occasionally
from midwatch.control.tally import Tally
from midwatch.control.troubles import TOLD_BY, condition_of
from midwatch.crew.crew_file import Crew, State, read_crew
from midwatch.plugin_health import PluginsHealth, health_of, refused_packs
from midwatch.plugin_report import report as report_plugins
from midwatch.plugin_rows import plugin_rows
from midwatch.pool.pool import ScanPool
from midwatch.process_numbers import report_processes
from midwatch.settings import Settings
from midwatch_core.clock import Clock, SystemClock
from midwatch_core.host import Health, Role
from midwatch_core.memo import Memo
from midwatch_core.metrics import Metrics, Sample
from midwatch_core.pipeline import Pipeline
from midwatch_core.plugin_metrics import failing, last_errors, security_state
from midwatch_core.scan_metrics import report_memo
from midwatch_core.troubles import FAILURES, Condition, Expiry
from midwatch_journal import JournalReader

# A certificate's end does not move, another CA is rare, and packs are read at a start and at reloads alone.
_CERTIFICATE_S, _PACKS_S = 60.0, 5.0
# The supervisor writes when something happens, about once a second at most.
_CREW_S = 0.5


@dataclass(slots=True, kw_only=True)
class Standing:
    """Looks when it is asked. `troubles` gives the alerts that are not over, as JSON values."""

    settings: Settings
    private: bool
    metrics: Metrics
    tally: Tally
    reader: JournalReader
    pipeline: Pipeline
    pool: ScanPool | None
    memos: Sequence[Memo[Any]] = ()
    troubles: Callable[[], list[dict[str, str]]] = list
    started: bool = False
    clock: Clock = field(default_factory=SystemClock)
    _ends: Occasionally[Ends] = field(init=False)
    _refused: Occasionally[dict[str, str]] = field(init=False)
    _crew: Occasionally[Crew] = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock.monotonic
        self._ends = Occasionally(lambda: ends_of(self.settings.home), _CERTIFICATE_S, now)
        self._refused = Occasionally(lambda: refused_packs(health_of(self.settings.plugins)), _PACKS_S, now)
        console = self.settings.config.console
        self._crew = Occasionally(lambda: read_crew(self.settings.home, console=console), _CREW_S, now)

    def samples(self) -> list[Sample]:
        """The metrics of all processes as one."""
        self.metrics.set("midwatch_journal_depth_bytes", self.reader.depth().bytes)
        self.metrics.set("midwatch_journal_limit_bytes", self.settings.config.journal.max_bytes)
        self.metrics.set("midwatch_workers", len(self.tally.living()))
        report_crew(self._crew(), self.metrics)
        report_reader(self.reader.stats(), self.metrics)
        report_plugins(self.settings.plugins, self.pool, self.metrics)
        report_memo(self.memos, self.metrics)
        report_processes(Role.CONTROL, self.pool, self.metrics)
        return self.tally.samples()

    def condition(self) -> Condition:
        """What troubles are told by. Asked every second, so that only what matters is summed."""
        report_plugins(self.settings.plugins, self.pool, self.metrics)
        condition = condition_of(
            self.tally.samples(TOLD_BY),
            self.pipeline,
            journal_bytes=self.reader.depth().bytes,
            journal_max_bytes=self.settings.config.journal.max_bytes,
            said=self._said(),
        )
        ends = self._ends()
        return replace(
            condition,
            failing=failing(self.settings.plugins, FAILURES),
            degraded=self._crew().named(State.DEGRADED),
            refused=self._refused() if self.started else {},
            ca=self._expiry(ends.active),
            next_ca=self._expiry(ends.next),
            next_ca_from=ends.next_from,
        )

    def health(self) -> Health:
        """Whether the installation works, and how its parts do. Plugins are asked when all have been started."""
        workers = self.tally.living()
        plugins = health_of(self.settings.plugins) if self.started else PluginsHealth()
        return Health(
            started=self.started,
            ready=self.started and bool(workers) and self.pipeline.available and plugins.ready,
            parts={
                "workers": len(workers),
                "workers_degraded": list(self._crew().named(State.DEGRADED)),
                "workers_leaving": list(self._crew().named(State.LEAVING)),
                "store": "available" if self.pipeline.available else "unavailable: the journal keeps",
                "journal_bytes": self.reader.depth().bytes,
                "breakers": {
                    "store": self.pipeline.breaker.state.value,
                    "security": security_state(self.tally.samples(TOLD_BY)).value,
                },
                "troubles": [dict(item) for item in self.troubles()],
                "plugins": dict(plugins.facts),
                "version": __version__,
            },
        )

    def status(self) -> dict[str, Any]:
        """What commands ask: where we listen, by which settings, and how plugins do."""
        config, health = self.settings.config, self.health()
        file = self.settings.sources.file
        return {
            "pid": os.getpid(),
            "version": __version__,
            "listen": config.listen,
            "console": config.console,
            "config_file": str(file.absolute()) if file else None,
            "private": self.private,
            "ready": health.ready,
            **dict(health.parts),
            "journal": {**asdict(self.reader.depth()), **asdict(self.reader.stats())},
            "plugins": plugin_rows(
                self.settings.plugins,
                config.plugins.in_loop,
                self.samples(),
                self._said(),
                health=health.parts["plugins"],
            ),
        }

    def _expiry(self, at: datetime | None) -> Expiry | None:
        return Expiry(at=at, left_s=(at - self.clock.now()).total_seconds()) if at is not None else None

    def _said(self) -> dict[str, str]:
        """What plugins said when they last failed."""
        return {**last_errors(self.settings.plugins), **self.tally.plugin_errors}
