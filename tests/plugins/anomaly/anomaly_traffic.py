"""Steady traffic of one tenant, minute by minute, through a watcher."""

import random
from collections.abc import Iterable
from typing import Any

from midwatch_anomaly.change import Change, Stage
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.watching import Watcher

# A Monday, midnight.
BEGIN_S = 1_782_691_200.0
MINUTE_S = 60.0
HOUR, DAY = 60, 1440
QUICK = Settings(warm_up_h=1, hour_of_day=False)


def calls(
    number: int,
    *,
    tenant: str = "acme",
    agent: str | None = None,
    model: str | None = None,
    errors: int = 0,
    findings: int = 0,
    each_usd: float = 0.01,
    input_tokens: float = 1000,
    output_tokens: float = 200,
    each_ms: float = 1000,
) -> list[Measurement]:
    """So many calls that are all alike."""
    if not number:
        return []
    return [
        Measurement(
            tenant=tenant,
            agent=agent,
            model=model,
            calls=number,
            errors=errors,
            findings=findings,
            cost_usd=number * each_usd,
            input_tokens=number * input_tokens,
            output_tokens=number * output_tokens,
            latency_ms=number * each_ms,
            timed=number,
            ttft_ms=number * each_ms / 5,
            first_timed=number,
        )
    ]


class Life:
    """A watcher, and the minute that it is."""

    def __init__(self, settings: Settings = QUICK, *, seed: int = 1) -> None:
        self.watcher = Watcher(settings)
        self.minute = 0
        self.chance = random.Random(seed)
        self.told: list[Change] = []

    @property
    def now_s(self) -> float:
        return BEGIN_S + self.minute * MINUTE_S

    def pass_minute(self, measurements: Iterable[Measurement] = ()) -> list[Change]:
        """What is told of this minute when it is over, without what only goes on."""
        self.watcher.take(self.now_s, measurements)
        self.minute += 1
        changes = [item for item in self.watcher.close(self.now_s) if item.stage is not Stage.GOES_ON]
        self.told += changes
        return changes

    def live(self, minutes: int, number: int = 30, **more: Any) -> list[Change]:
        """Minutes with about so many calls each."""
        told = []
        for _ in range(minutes):
            told += self.pass_minute(calls(self.near(number), **more))
        return told

    def near(self, number: int) -> int:
        """About this number, a fifth more or less."""
        return round(number * self.chance.uniform(0.8, 1.2))


def told(changes: Iterable[Change]) -> list[tuple[str, str, str]]:
    """Stage, metric and side of each."""
    return [(item.stage.value, item.explanation.metric.value, item.explanation.side.value) for item in changes]
