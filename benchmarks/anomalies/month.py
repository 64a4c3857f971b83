"""A month of one tenant through the plugin's own watcher: what was planted, and what was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.anomalies.planting import Event, plant
from benchmarks.anomalies.rhythm import BEGIN_S, DAY_S
from benchmarks.anomalies.tenants import SimTenant
from benchmarks.anomalies.traffic import MINUTE_S, Traffic
from midwatch_anomaly.change import Change, Stage
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.watching import Watcher

DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What happened to a tenant. `told` are the anomalies that began."""

    tenant: SimTenant
    events: tuple[Event, ...]
    told: tuple[Change, ...]
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A month to simulate: a tenant, the seed, and the settings to watch it with."""

    tenant: SimTenant
    seed: int
    settings: Settings


def lived(wish: Wish) -> Month:
    """Live through it: a minute's calls come, and are judged when it is over."""
    events = plant(wish.seed, wish.tenant)
    traffic, watcher = Traffic(wish.seed, wish.tenant, events), Watcher(wish.settings)
    told: list[Change] = []
    calls = 0
    for now_s in range(BEGIN_S, BEGIN_S + DAYS * DAY_S, MINUTE_S):
        told += _began(watcher.close(now_s))
        measured = list(traffic.minute(now_s))
        calls += sum(item.calls for item in measured)
        watcher.take(now_s, measured)
    told += _began(watcher.close(BEGIN_S + DAYS * DAY_S))
    return Month(tenant=wish.tenant, events=events, told=tuple(told), calls=calls)


def _began(changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.stage is Stage.BEGAN]
