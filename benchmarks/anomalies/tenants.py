"""The simulated tenants: of three sizes, each with some streams of calls of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.anomalies.rhythm import Rhythm, Work

# US dollars per million tokens, in and out, as models of three classes cost.
_PRICES = {"small-model": (0.15, 0.6), "mid-model": (1.25, 10.0), "large-model": (5.0, 25.0)}


class Size(StrEnum):
    """How many calls a tenant makes."""

    SMALL = "small"
    MID = "mid"
    LARGE = "large"


# Sessions an hour at the peak, of a tenant in all; a session has about ten calls.
_SESSIONS = {Size.SMALL: (0.3, 2.0), Size.MID: (6.0, 30.0), Size.LARGE: (60.0, 120.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Calls of one agent with one key to one model. Tokens and times are medians of a call, rates shares of calls."""

    agent: str
    key: str
    model: str
    rhythm: Rhythm
    sessions_h: float
    input_tokens: float
    output_tokens: float
    latency_ms: float
    errors: float
    findings: float

    @property
    def prices(self) -> tuple[float, float]:
        """US dollars per token, in and out."""
        per_in, per_out = _PRICES[self.model]
        return per_in / 1e6, per_out / 1e6


class Fate(StrEnum):
    """What is planted in a tenant's month: nothing, one of each short event, or a drift and nothing else."""

    QUIET = "quiet"
    EVENTFUL = "eventful"
    DRIFTING = "drifting"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimTenant:
    """A tenant."""

    name: str
    size: Size
    fate: Fate
    streams: tuple[Stream, ...]


def tenants(seed: int, counts: dict[Fate, dict[Size, int]]) -> list[SimTenant]:
    """So many of each fate and size."""
    chance = random.Random(f"tenants {seed}")
    made = [(fate, size) for fate in Fate for size in Size for _ in range(counts[fate][size])]
    return [
        SimTenant(
            name=f"{fate}-{size}-{number:02}",
            size=size,
            fate=fate,
            streams=tuple(_streams(chance, size)),
        )
        for number, (fate, size) in enumerate(made)
    ]


def _streams(chance: random.Random, size: Size) -> Iterator[Stream]:
    zone_h = chance.choice((-8, -5, 0, 1, 1, 5, 8))
    work = Work.SPARSE if size is Size.SMALL else chance.choice((Work.OFFICE, Work.OFFICE, Work.ALWAYS))
    count = {Size.SMALL: chance.randint(1, 2), Size.MID: chance.randint(1, 3), Size.LARGE: chance.randint(3, 5)}[size]
    total = chance.uniform(*_SESSIONS[size])
    weights = [chance.uniform(0.5, 2) for _ in range(count)]
    for number, weight in enumerate(weights):
        rhythm = Rhythm(work=work, zone_h=zone_h)
        yield _stream(chance, number, rhythm, sessions_h=total * weight / sum(weights))
    if size is not Size.SMALL and chance.random() < 0.3:
        rhythm = Rhythm(work=Work.NIGHTLY, zone_h=zone_h, job_h=chance.randint(0, 5))
        yield _stream(chance, count, rhythm, sessions_h=chance.uniform(20, 60))


def _stream(chance: random.Random, number: int, rhythm: Rhythm, *, sessions_h: float) -> Stream:
    model = chance.choice(list(_PRICES))
    return Stream(
        agent=f"{'job' if rhythm.work is Work.NIGHTLY else 'agent'}-{number}",
        key=f"key-{number // 2}",
        model=model,
        rhythm=rhythm,
        sessions_h=sessions_h,
        input_tokens=chance.uniform(500, 12_000),
        output_tokens=chance.uniform(100, 900),
        latency_ms=chance.uniform(800, 6_000),
        errors=chance.choice((0.0, 0.002, 0.01, 0.02)),
        findings=chance.choice((0.0, 0.005, 0.02)),
    )
