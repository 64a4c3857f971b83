"""Who talks to AI services without being read: owners, pinned clients and the inventory of one worker, put together."""

import logging
from dataclasses import dataclass

from midwatch.pinned_file import read_pinned
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.beating import Beat
from midwatch.proxy.inventory.counting import Inventory
from midwatch.proxy.inventory.owners import Owners
from midwatch.proxy.inventory.pinning import Pinning
from midwatch.settings import Settings, ai_hosts_of
from midwatch_core.clock import Clock
from midwatch_core.errors import ConfigError
from midwatch_core.metrics import Metrics
from midwatch_core.wire.catalogue import Catalogue

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeing:
    """The three addons, each to be placed where its docstring says; `owners` comes last, for it forgets who is gone."""

    settings: Settings
    owners: Owners
    pinning: Pinning
    inventory: Inventory

    def follow(self, fresh: Settings, catalogue: Catalogue) -> None:
        """From the next connection on, go by these settings."""
        self.pinning.follow(fresh.config.tls)
        self.inventory.follow(ai_hosts_of(fresh, catalogue), enabled=fresh.config.inventory.enabled)

    def repin(self) -> None:
        """Take the pinned clients that control has written anew; a damaged file leaves the last."""
        try:
            self.pinning.take(read_pinned(self.settings.home))
        except ConfigError as error:
            logger.error("pinned clients not read anew: %s", error)

    def close(self) -> None:
        """End the thread that looks up processes."""
        self.owners.close()


def seeing_of(
    settings: Settings, catalogue: Catalogue, identifying: Identifying, beat: Beat, *, clock: Clock, metrics: Metrics
) -> Seeing:
    """The addons of a worker, which tell control by its heartbeat."""
    owners, guard = Owners(), settings.plugins.guard
    pinning = Pinning(settings.config.tls, owners=owners, clock=clock, metrics=metrics, guard=guard)
    inventory = Inventory(
        ai_hosts_of(settings, catalogue),
        report=beat.sightings,
        enabled=settings.config.inventory.enabled,
        identifying=identifying,
        pinning=pinning,
        owners=owners,
        clock=clock,
        metrics=metrics,
        guard=guard,
    )
    pinning.refused, pinning.news = inventory.refused, beat.soon
    seeing = Seeing(settings=settings, owners=owners, pinning=pinning, inventory=inventory)
    beat.pins, beat.repin = pinning.waiting, seeing.repin
    seeing.repin()
    return seeing
