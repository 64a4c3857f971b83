"""The calls of a tenant, minute by minute: sessions begin, go on for some calls and grow, as agents' do."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from benchmarks.anomalies.planting import Effect, Event
from benchmarks.anomalies.tenants import SimTenant, Stream
from midwatch_anomaly.measuring import Measurement

MINUTE_S = 60
# Calls of a session: a median and its spread (log-normal: some go on for hundreds), and how many come in a minute.
_CALLS, _CALLS_SPREAD, _MOST_CALLS, _PACE = 7.0, 0.9, 400, 4.0
_TOKENS_SPREAD, _LATENCY_SPREAD = 0.8, 0.5
# So much longer the request is at each further call of a session, up to this many times.
_GROWTH, _MOST_GROWTH = 0.04, 5.0
# How busy an hour is beside the rhythm: log-normal, and most of it goes on into the next hour.
_MOOD_SPREAD, _MOOD_KEPT = 0.25, 0.7


class Traffic:
    """The same for the same seed, whatever is planted elsewhere."""

    def __init__(self, seed: int, tenant: SimTenant, events: Sequence[Event]) -> None:
        self.tenant = tenant
        self._events = events
        self._chance = random.Random(f"traffic {seed} {tenant.name}")
        self._sessions: list[list[list[int]]] = [[] for _ in tenant.streams]
        self._mood = 0.0

    def minute(self, now_s: int) -> Iterator[Measurement]:
        """What the minute that begins now brings, a measurement a stream."""
        if now_s % 3600 == 0:
            kept = _MOOD_KEPT * self._mood
            self._mood = kept + self._chance.gauss(0, _MOOD_SPREAD * math.sqrt(1 - _MOOD_KEPT**2))
        now = [event for event in self._events if event.begin_s <= now_s < event.end_s]
        for number, stream in enumerate(self.tenant.streams):
            effect = _together(event.effect(now_s, number) for event in now)
            grown = self._calls(number, stream, now_s)
            if effect.calls != 1:
                grown = _repeated(grown, effect.calls)
            if grown:
                yield self._measured(stream, grown, effect)

    def _calls(self, number: int, stream: Stream, now_s: int) -> list[float]:
        """How much each call of this minute has grown by; one a call."""
        chance, sessions = self._chance, self._sessions[number]
        busy = stream.rhythm.at(now_s) * math.exp(self._mood)
        for _ in range(poisson(chance, busy * stream.sessions_h / 60)):
            length = min(_MOST_CALLS, math.ceil(chance.lognormvariate(math.log(_CALLS), _CALLS_SPREAD)))
            sessions.append([0, length])
        grown: list[float] = []
        for session in sessions:
            for _ in range(min(poisson(chance, _PACE), session[1] - session[0])):
                grown.append(min(_MOST_GROWTH, 1 + _GROWTH * session[0]))
                session[0] += 1
        self._sessions[number] = [session for session in sessions if session[0] < session[1]]
        return grown

    def _measured(self, stream: Stream, grown: Sequence[float], effect: Effect) -> Measurement:
        chance, calls = self._chance, len(grown)
        read = spread_sum(chance, stream.input_tokens, _TOKENS_SPREAD, grown) * effect.input_tokens
        written = spread_sum(chance, stream.output_tokens, _TOKENS_SPREAD, [1.0] * calls) * effect.output_tokens
        errors = binomial(chance, calls, min(1.0, stream.errors + effect.errors))
        latency_ms = spread_sum(chance, stream.latency_ms, _LATENCY_SPREAD, [1.0] * calls) * effect.latency
        per_in, per_out = stream.prices
        return Measurement(
            tenant=self.tenant.name,
            model=stream.model,
            agent=stream.agent,
            key=stream.key,
            calls=calls,
            errors=errors,
            findings=binomial(chance, calls, min(1.0, stream.findings + effect.findings)),
            cost_usd=(read * per_in + written * per_out) * effect.price,
            input_tokens=read,
            output_tokens=written,
            latency_ms=latency_ms,
            timed=calls,
            ttft_ms=latency_ms * 0.3,
            first_timed=calls,
        )


def poisson(chance: random.Random, mean: float) -> int:
    """A draw, by Knuth's way; means are small here."""
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def binomial(chance: random.Random, count: int, share: float) -> int:
    """How many of so many."""
    return sum(chance.random() < share for _ in range(count)) if share else 0


def spread_sum(chance: random.Random, median: float, spread: float, factors: Sequence[float]) -> float:
    """The sum of log-normal draws, each times its factor."""
    middle = math.log(median)
    return sum(factor * chance.lognormvariate(middle, spread) for factor in factors)


def _repeated(grown: list[float], factor: float) -> list[float]:
    """So many times the calls: of whole times each, and of the rest the first ones."""
    whole = int(factor)
    return grown * whole + grown[: round(len(grown) * (factor - whole))]


def _together(effects: Iterator[Effect]) -> Effect:
    """Events of one tenant never overlap: the first that does anything."""
    return next(effects, Effect())
