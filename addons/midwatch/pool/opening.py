"""The scan pool that a process needs by its settings, if it needs one."""

from midwatch.pool.pool import ScanPool
from midwatch.pool.who import pool_plugins
from midwatch.settings import Settings
from midwatch_core.metrics import Metrics


def pool_of(settings: Settings, metrics: Metrics) -> ScanPool | None:
    """A pool for the detectors that are not to run here; None where there are none. Nothing is started yet."""
    away = pool_plugins(settings.plugins, settings.config.plugins.in_loop)
    if not away:
        return None
    return ScanPool(
        settings.home,
        plugins=away,
        deadline_s=settings.config.plugins.deadline_s,
        metrics=metrics,
        guard=settings.plugins.guard,
    )
