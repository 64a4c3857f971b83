"""All edges of a worker, made from its settings."""

from dataclasses import dataclass

from midwatch.lean.leftovers import Leftovers
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.edges.arrivals import Arrivals
from midwatch.proxy.edges.destinations import Destinations
from midwatch.proxy.edges.knocking import Knocking
from midwatch.proxy.edges.patience import Patience
from midwatch.proxy.edges.refused_heads import RefusedHeads
from midwatch.proxy.edges.refusing import Refusing
from midwatch.proxy.edges.shape import Shape
from midwatch.proxy.edges.telling import Telling
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.metrics import Metrics
from midwatch_core.wire.catalogue import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The addons: those at the `door` come before all others, those `inside` after it is known who comes."""

    arrivals: Arrivals
    patience: Patience
    refused_heads: RefusedHeads
    knocking: Knocking
    destinations: Destinations
    shape: Shape

    @property
    def door(self) -> list[object]:
        """Connections, those who keep us waiting, heads that are none, and what is left of a connection."""
        return [self.arrivals, self.patience, self.refused_heads, Leftovers()]

    @property
    def inside(self) -> list[object]:
        """Keys, requests, and where they lead."""
        return [self.knocking, self.shape, self.destinations]

    @property
    def options(self) -> dict[str, object]:
        """mitmproxy's options for them."""
        return self.patience.options

    def follow(self, config: Config, catalogue: Catalogue) -> None:
        """From now on, go by these settings. Raises ConfigError, and changes nothing then."""
        self.destinations.follow(config, catalogue)
        for addon in (self.arrivals, self.patience, self.knocking):
            addon.follow(config.connections)

    def report(self) -> None:
        """Set the gauges."""
        self.arrivals.report()
        self.knocking.report()


def edges_of(
    config: Config, catalogue: Catalogue, identifying: Identifying, *, clock: Clock, metrics: Metrics
) -> Edges:
    """The edges for these settings. Raises ConfigError."""
    refusing = Refusing(metrics, Telling(clock))
    return Edges(
        arrivals=Arrivals(config.connections, refusing, clock),
        patience=Patience(config.connections, refusing, clock),
        refused_heads=RefusedHeads(refusing),
        knocking=Knocking(identifying, config.connections, refusing, clock),
        destinations=Destinations(config, catalogue, refusing),
        shape=Shape(refusing),
    )
