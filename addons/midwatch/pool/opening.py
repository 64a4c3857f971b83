"""The scan pool that a process needs by its settings, if it needs one."""

import logging

from midwatch.pool.pool import ScanPool
from midwatch.pool.who import pool_plugins, unasked
from midwatch.settings import Settings
from midwatch_core.metrics import Metrics

logger = logging.getLogger(__name__)


def pool_of(settings: Settings, metrics: Metrics) -> ScanPool | None:
    """A pool for the detectors that are not to run here; None where there are none. Nothing is started yet."""
    away = pool_plugins(settings.plugins, settings.config.plugins.in_loop)
    if not away:
        return None
    for name, hook in unasked(settings.plugins, away):
        logger.warning("plugin %s: %s is asked only of plugins that plugins.in_loop lists", name, hook)
    return ScanPool(
        settings.home,
        plugins=away,
        deadline_s=settings.config.plugins.deadline_s,
        metrics=metrics,
        guard=settings.plugins.guard,
        breakers=settings.config.breakers,
    )
