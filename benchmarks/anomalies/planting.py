"""Planted events: what happens to whom, from when to when, and what finds it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.anomalies.rhythm import BEGIN_S, DAY_S
from benchmarks.anomalies.tenants import Fate, SimTenant

MINUTE_S, HOUR_S = 60, 3600
# Events begin in the second week, when there is something usual, and end a day before the month does.
_FIRST_DAY, _LAST_DAY = 8, 28
_DRIFT_DAYS = 10


class Kind(StrEnum):
    """What is planted."""

    COST = "cost spike"
    TOKENS = "token spike"
    VELOCITY = "velocity"
    AGENT = "one agent runs away"
    DRIFT = "drift"
    STOP = "stop"
    ERRORS = "error burst"
    LATENCY = "latency"
    FINDINGS = "findings burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an event does to the calls of a stream: factors, and shares of calls that come to it."""

    calls: float = 1.0
    input_tokens: float = 1.0
    output_tokens: float = 1.0
    price: float = 1.0
    latency: float = 1.0
    errors: float = 0.0
    findings: float = 0.0


NOTHING = Effect()
# How long each lasts, seconds, and what it does at its height.
_SHAPES: dict[Kind, tuple[int, Effect]] = {
    Kind.COST: (40 * MINUTE_S, Effect(price=8)),
    Kind.TOKENS: (40 * MINUTE_S, Effect(input_tokens=6, output_tokens=6)),
    Kind.VELOCITY: (40 * MINUTE_S, Effect(calls=6)),
    Kind.AGENT: (60 * MINUTE_S, Effect(calls=12)),
    Kind.DRIFT: (_DRIFT_DAYS * DAY_S, Effect(input_tokens=3, output_tokens=3)),
    Kind.STOP: (3 * HOUR_S, Effect(calls=0)),
    Kind.ERRORS: (30 * MINUTE_S, Effect(errors=0.5)),
    Kind.LATENCY: (40 * MINUTE_S, Effect(latency=5)),
    Kind.FINDINGS: (40 * MINUTE_S, Effect(findings=0.5)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One planted event; of all streams of a tenant, or of one of them. Moments are seconds since 1970."""

    kind: Kind
    tenant: str
    begin_s: int
    end_s: int
    stream: int | None = None

    def effect(self, now_s: float, stream: int) -> Effect:
        """What it does to a stream at a moment."""
        if not self.begin_s <= now_s < self.end_s or self.stream not in (None, stream):
            return NOTHING
        effect = _SHAPES[self.kind][1]
        if self.kind is not Kind.DRIFT:
            return effect
        share = (now_s - self.begin_s) / (self.end_s - self.begin_s)
        grown = 1 + (effect.input_tokens - 1) * share
        return Effect(input_tokens=grown, output_tokens=grown)


def plant(seed: int, tenant: SimTenant) -> tuple[Event, ...]:
    """Events of a tenant, days apart."""
    if tenant.fate is Fate.QUIET:
        return ()
    chance = random.Random(f"planting {seed} {tenant.name}")
    if tenant.fate is Fate.DRIFTING:
        begin_s = BEGIN_S + _FIRST_DAY * DAY_S + chance.randrange(7) * DAY_S
        return (Event(kind=Kind.DRIFT, tenant=tenant.name, begin_s=begin_s, end_s=begin_s + _DRIFT_DAYS * DAY_S),)
    return tuple(_short_ones(chance, tenant))


def _short_ones(chance: random.Random, tenant: SimTenant) -> Iterator[Event]:
    kinds = [kind for kind in Kind if kind is not Kind.DRIFT]
    chance.shuffle(kinds)
    day = _FIRST_DAY
    for kind in kinds:
        begin_s = _busy_moment(chance, tenant, day, _SHAPES[kind][0])
        if begin_s is None:
            return
        stream = None if kind is not Kind.AGENT else _day_streams(tenant)[0]
        yield Event(kind=kind, tenant=tenant.name, begin_s=begin_s, end_s=begin_s + _SHAPES[kind][0], stream=stream)
        day = (begin_s - BEGIN_S) // DAY_S + 2


def _busy_moment(chance: random.Random, tenant: SimTenant, day: int, lasts_s: int) -> int | None:
    """A moment from this day on at which the tenant works, and goes on to work until the event is over."""
    rhythm = tenant.streams[_day_streams(tenant)[0]].rhythm
    for later in range(day, _LAST_DAY):
        moments = [BEGIN_S + later * DAY_S + minute * MINUTE_S for minute in range(0, 24 * 60, 10)]
        busy = [moment for moment in moments if rhythm.is_busy(moment) and rhythm.is_busy(moment + lasts_s)]
        if busy:
            return chance.choice(busy)
    return None


def _day_streams(tenant: SimTenant) -> Sequence[int]:
    return [number for number, stream in enumerate(tenant.streams) if not stream.agent.startswith("job")]
