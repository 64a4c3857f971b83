"""How a console alone stands: whether its stores answer; it has no workers, no journal and no pipeline."""

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import Any

from midwatch import __version__
from midwatch.plugin_health import PluginsHealth, health_of
from midwatch.plugin_report import report as report_plugins
from midwatch.plugin_rows import plugin_rows
from midwatch.pool.pool import ScanPool
from midwatch.settings import Settings
from midwatch_core.access.administering import VERSION_SETTING
from midwatch_core.errors import StorageError
from midwatch_core.host import Health
from midwatch_core.metrics import Metrics, Sample
from midwatch_core.plugin_metrics import last_errors, security_state
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.storage import Storage

logger = logging.getLogger(__name__)
_LOOK_S = 2.0


@dataclass(slots=True, kw_only=True)
class AloneStanding:
    """Asks the stores every two seconds while `run` runs. `trouble` is what they said last, empty where all is well."""

    settings: Settings
    metrics: Metrics
    storage: Storage
    pool: ScanPool | None
    started: bool = False
    trouble: str = "the stores have not been asked yet"

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Ask both stores for as little as they can give."""
        try:
            await self.storage.metadata.setting(VERSION_SETTING)
            await self.storage.traces.list(Scope(), ExchangeFilter(), limit=1)
        except StorageError as error:
            if str(error) != self.trouble:
                logger.error("the stores do not answer: %s", error)
            self.trouble = str(error)
        else:
            self.trouble = ""

    def samples(self) -> list[Sample]:
        """The metrics of this process."""
        report_plugins(self.settings.plugins, self.pool, self.metrics)
        return self.metrics.samples()

    def health(self) -> Health:
        """Ready while the stores answer, and when the plugins are."""
        plugins = health_of(self.settings.plugins) if self.started else PluginsHealth()
        return Health(
            started=self.started,
            ready=self.started and not self.trouble and plugins.ready,
            parts={
                "store": "available" if not self.trouble else "unavailable",  # why, is not everybody's to know
                "breakers": {"security": security_state(self.samples()).value},
                "plugins": dict(plugins.facts),
                "version": __version__,
            },
        )

    def status(self) -> dict[str, Any]:
        """What the system's page shows."""
        config, health, file = self.settings.config, self.health(), self.settings.sources.file
        said = last_errors(self.settings.plugins)
        return {
            "pid": os.getpid(),
            "version": __version__,
            "console": config.console,
            "config_file": str(file.absolute()) if file else None,
            "ready": health.ready,
            **dict(health.parts),
            "plugins": plugin_rows(
                self.settings.plugins, config.plugins.in_loop, self.samples(), said, health=health.parts["plugins"]
            ),
        }
