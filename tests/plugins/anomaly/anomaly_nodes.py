"""Nodes that watch: each with its home, its desk of alerts and its clock, alone or over one cache."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from midwatch_anomaly.numbers import METRICS
from midwatch_anomaly.rounds import Rounds
from midwatch_anomaly.settings import Settings
from midwatch_core import CacheLayer, Exchange, Health, Host, Incident, Json, Role
from midwatch_core.testing import make_exchange
from midwatch_core.testing.factories import make_cost
from tests.addons.control.incident_house import IncidentHouse, Time

QUICK = Settings(warm_up_h=0.5, min_samples=20, hour_of_day=False, half_life=30)


@dataclass
class Node:
    """`again()` is the same home after a restart."""

    home: Path
    cache: CacheLayer | None = None
    settings: Settings = QUICK
    time: Time = field(default_factory=Time)
    parts: dict[str, Json] = field(default_factory=lambda: {"store": "available"})

    def __post_init__(self) -> None:
        self.house = IncidentHouse(self.home / "notes", time=self.time)
        self.house.metrics.declare(METRICS)
        self.host = Host(
            role=Role.CONTROL,
            home=self.home,
            metrics=self.house.metrics,
            clock=self.time,
            alerts=self.house.desk,
            cache=self.cache,
            health=lambda: Health(started=True, ready=True, parts=self.parts),
        )
        self.rounds = Rounds(self.host, self.settings)

    def again(self) -> "Node":
        return Node(self.home, self.cache, self.settings, self.time, self.parts)

    def calls(self, number: int, *, tenant: str = "acme", usd: str = "0.01") -> list[Exchange]:
        """So many calls that end now."""
        base = make_exchange(tenant=tenant, started_at=self.time.now(), cost=make_cost(usd))
        assert base.cost is not None
        cost = replace(base.cost, amount=Decimal(usd))
        return [replace(base, id=f"{base.id}-{at}", cost=cost) for at in range(number)]

    def open(self) -> Sequence[Incident]:
        return [item for item in self.house.desk.open() if item.category == "anomaly"]


async def minute(nodes: Sequence[Node], number: int, **more: str) -> None:
    """A minute with so many calls on each node, and its rounds; all nodes have one clock."""
    for node in nodes:
        node.rounds.take(node.calls(number, **more))
    for _ in range(6):
        nodes[0].time.passed_s += 10
        for node in nodes:
            await node.rounds.once()
