"""From readings to anomalies: how long something must be off to begin, and be as usual to be over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from midwatch_anomaly.change import Change, Contributor, Explanation, Metric, Scope, Side, Stage
from midwatch_anomaly.metrics_watched import Family
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.settings import Settings
from midwatch_core import Severity

# Seconds after which an anomaly of which nothing is heard is over: of a ratio, and of what is slow.
_UNHEARD_S = 2 * 3600.0
_SILENT_S = 26 * 3600.0
# Of days there is nothing to say over a long weekend.
_DRIFTING_S = 4 * 86_400.0 + 2 * 3600
# Buckets with calls that are further apart are not one after the other.
_TOGETHER = 5
_CALLS_AT_ONCE = 3
# Those that run of one step of `end_bucket`.
_AT_ONCE = 50
# What is so near the farthest is about as far.
_NEAR = 0.75
_CAUSES = {
    Metric.INPUT: 1, Metric.INPUT_SIZE: 1, Metric.OUTPUT: 2, Metric.OUTPUT_SIZE: 2, Metric.COST: 3,
    Metric.LATENCY: 4, Metric.TTFT: 5,
}  # fmt: skip
_SLOW = (Family.DRIFT, Family.SILENCE)
# Two sides of one thing: what runs of the one takes up the other.
_BESIDE = {Family.VOLUME: Family.SIZE, Family.SIZE: Family.VOLUME}
# What tells a family too: calls that are dearer or longer make sums high, and high sums drift.
_TOLD_BY = {
    Family.VOLUME: (Family.VOLUME, Family.SIZE),
    Family.SIZE: (Family.VOLUME, Family.SIZE),
    Family.DRIFT: (Family.VOLUME, Family.SIZE, Family.DRIFT),
}

type Where = tuple[Scope, str]
type Contributors = Callable[[Metric], tuple[Contributor, ...]]


@dataclass(slots=True)
class _Strike:
    """Off, but no anomaly yet. `covered` is the rank of what tells it already, -1 for nothing: then only calm ends it,
    or that it gets worse than what is told.
    """

    count: int
    since_s: float
    bucket: int
    covered: int = -1
    calm: int = 0


@dataclass(slots=True)
class Running:
    """An anomaly that goes on. `heard` is the bucket of its last reading, whatever that said."""

    severity: Severity
    explanation: Explanation
    heard: int
    calm: int = 0


class Anomalies:
    """All that run, and what may become one. `take` for each series in each bucket, then `end_bucket`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[str, dict[tuple[Where, Family], Running]] = {}
        self._strikes: dict[tuple[str, Where, Family], _Strike] = {}

    def follow(self, settings: Settings) -> None:
        """Go by other settings: how much is grave, how long it takes."""
        self._settings = settings

    def running(self, tenant: str | None = None) -> Iterator[tuple[str, Where, Family, Running]]:
        """All that run, or a tenant's."""
        of = self._running if tenant is None else {tenant: self._running.get(tenant, {})}
        for name, parts in of.items():
            for (where, family), item in parts.items():
                yield name, where, family, item

    def restore(self, tenant: str, where: Where, family: Family, item: Running) -> None:
        """One that ran before a restart."""
        self._running.setdefault(tenant, {})[where, family] = item

    def take(
        self,
        tenant: str,
        where: Where,
        readings: Sequence[Reading],
        families: Sequence[Family],
        *,
        at_s: float,
        bucket: int,
        contributors: Contributors,
    ) -> list[Change]:
        """What the readings of a series begin or end. `families` are those that were looked at."""
        changes = []
        for family in families:
            off = [reading for reading in readings if reading.family is family]
            if item := self._running.get(tenant, {}).get((where, family)):
                changes += self._go_on(tenant, where, family, item, off, at_s=at_s, bucket=bucket)
            elif off and (item := self._beside(tenant, where, family)):
                self._follow(item, off)
            elif off:
                changes += self._strike(tenant, where, family, off, at_s, bucket, contributors)
            elif self._strikes:
                self._calm_strike((tenant, where, family))
        return changes

    def end_bucket(self, at_s: float, bucket: int, heard: Callable[[str, Where], bool]) -> Iterator[list[Change]]:
        """What goes on, and what is over since nothing is heard of it, some at a time. `heard`: whether a series had
        calls.
        """
        for some in batched(list(self.running()), _AT_ONCE):
            yield [
                self._unheard(tenant, where, family, item, at_s, bucket, heard=heard(tenant, where))
                or Change(stage=Stage.GOES_ON, at_s=at_s, severity=item.severity, explanation=item.explanation)
                for tenant, where, family, item in some
            ]

    def is_grave(self, reading: Reading) -> bool:
        """Whether one bucket is enough; not where one call may have made it."""
        return reading.deviations >= 2 * self._settings.sigma and reading.calls >= _CALLS_AT_ONCE

    def forget_strikes(self, before: int | None = None) -> None:
        """Nothing is about to become an anomaly any more; or only what was off last before this bucket is not."""
        if before is None:
            self._strikes.clear()
            return
        for key in [key for key, strike in self._strikes.items() if strike.bucket < before]:
            del self._strikes[key]

    def forget(self, tenant: str, where: Where, at_s: float) -> list[Change]:
        """A series is forgotten, and what ran of it is over."""
        mine = [(family, item) for _, at, family, item in self.running(tenant) if at == where]
        return [self._end(tenant, where, family, item, at_s) for family, item in mine]

    def forget_tenant(self, tenant: str) -> None:
        """Nothing runs of a tenant, and nothing is told of it."""
        self._running.pop(tenant, None)
        for key in [key for key in self._strikes if key[0] == tenant]:
            del self._strikes[key]

    def _strike(
        self,
        tenant: str,
        where: Where,
        family: Family,
        off: list[Reading],
        at_s: float,
        bucket: int,
        contributors: Contributors,
    ) -> list[Change]:
        worst, strike = _lead(off, self._settings.sigma), self._strikes.get((tenant, where, family))
        if worst is None:
            if strike is not None and strike.covered < 0:
                del self._strikes[tenant, where, family]
            return []
        if strike is None or (family is Family.VOLUME and bucket - strike.bucket > _TOGETHER):
            since_s = at_s - worst.buckets * self._settings.bucket_s
            strike = self._strikes[tenant, where, family] = _Strike(0, since_s, bucket)
        strike.count, strike.bucket, strike.calm = strike.count + 1, bucket, 0
        severity = _severity(off, self._settings)
        strike.covered = max(strike.covered, self._covered(tenant, where, family))
        needed = self._settings.in_a_row + (family not in _BESIDE or where[0] is not Scope.TENANT)
        at_once = family in _SLOW or self.is_grave(worst)
        if strike.covered >= severity.rank or not (at_once or strike.count >= needed):
            return []
        del self._strikes[tenant, where, family]
        explanation = self._explained(tenant, where, worst, off, strike.since_s, contributors)
        item = Running(severity, explanation, bucket)
        self.restore(tenant, where, family, item)
        return [Change(stage=Stage.BEGAN, at_s=at_s, severity=item.severity, explanation=explanation)]

    def _calm_strike(self, key: tuple[str, Where, Family]) -> None:
        strike = self._strikes.get(key)
        if strike is None:
            return
        strike.calm += 1
        if strike.covered < 0 or strike.calm >= self._settings.calm:
            del self._strikes[key]

    def _go_on(
        self, tenant: str, where: Where, family: Family, item: Running, off: list[Reading], *, at_s: float, bucket: int
    ) -> list[Change]:
        item.heard = bucket
        if not off:
            item.calm += 1
            over = item.calm >= (1 if family in _SLOW else self._settings.calm)
            return [self._end(tenant, where, family, item, at_s)] if over else []
        self._follow(item, off)
        return []

    def _unheard(
        self, tenant: str, where: Where, family: Family, item: Running, at_s: float, bucket: int, *, heard: bool
    ) -> Change | None:
        if family is Family.VOLUME and not heard:
            return next(iter(self._go_on(tenant, where, family, item, [], at_s=at_s, bucket=bucket)), None)
        if (bucket - item.heard) * self._settings.bucket_s > _unheard_s(family):
            return self._end(tenant, where, family, item, at_s)
        return None

    def _follow(self, item: Running, off: list[Reading]) -> None:
        item.calm = 0
        item.explanation = _followed(item.explanation, off)
        item.severity = max(item.severity, _severity(off, self._settings), key=lambda severity: severity.rank)

    def _beside(self, tenant: str, where: Where, family: Family) -> Running | None:
        other = _BESIDE.get(family)
        return None if other is None else self._running.get(tenant, {}).get((where, other))

    def _end(self, tenant: str, where: Where, family: Family, item: Running, at_s: float) -> Change:
        parts = self._running[tenant]
        del parts[where, family]
        if not parts:
            del self._running[tenant]
        return Change(stage=Stage.OVER, at_s=at_s, severity=item.severity, explanation=item.explanation)

    def _covered(self, tenant: str, where: Where, family: Family) -> int:
        """The rank of the gravest that tells this one too, -1 for none: a tenant's tells that of its parts, an agent's
        that of its key and model, and the other way round, whoever is first.
        """
        families = _TOLD_BY.get(family, (family,))
        ranks = (
            item.severity.rank
            for _, other, running, item in self.running(tenant)
            if running in families and (other[0] is not where[0] or other == where)
        )
        return max(ranks, default=-1)

    def _explained(
        self,
        tenant: str,
        where: Where,
        worst: Reading,
        off: list[Reading],
        since_s: float,
        contributors: Contributors,
    ) -> Explanation:
        scope, name = where
        return Explanation(
            tenant=tenant,
            scope=scope,
            name=name,
            metric=worst.metric,
            side=worst.side,
            value=worst.value,
            usual=worst.usual,
            sigma=worst.sigma,
            deviations=worst.deviations,
            since_s=since_s,
            bucket_s=self._settings.bucket_s,
            buckets=worst.buckets,
            hour=worst.hour,
            also=tuple(reading.metric for reading in off if reading is not worst),
            contributors=contributors(worst.metric) if scope is Scope.TENANT else (),
        )


def _lead(off: list[Reading], sigma: float) -> Reading | None:
    """The one to tell it by, of those that are about as far off as the farthest: calls bring tokens, and these cost."""
    near = max(sigma, _NEAR * max(item.deviations for item in off))
    far = (item for item in off if item.deviations >= near)
    return min(far, key=lambda item: _CAUSES.get(item.metric, 0), default=None)


def _followed(known: Explanation, off: list[Reading]) -> Explanation:
    """The anomaly keeps the metric it began with, which is in its fingerprint, and the worst that was read of that."""
    joined = [item.metric for item in off if item.metric is not known.metric and item.metric not in known.also]
    if joined:
        known = replace(known, also=(*known.also, *joined))
    for item in off:
        if item.metric is known.metric and item.deviations > known.deviations:
            return replace(
                known,
                value=item.value,
                usual=item.usual,
                sigma=item.sigma,
                deviations=item.deviations,
                buckets=item.buckets,
                hour=item.hour,
            )
    return known


def _severity(off: list[Reading], settings: Settings) -> Severity:
    if all(item.side is Side.DRIFT for item in off):
        return Severity.MEDIUM
    grave = any(item.side is Side.LOW or item.deviations >= 2 * settings.sigma for item in off)
    return Severity.HIGH if grave else Severity.MEDIUM


def _unheard_s(family: Family) -> float:
    return {Family.SILENCE: _SILENT_S, Family.DRIFT: _DRIFTING_S}.get(family, _UNHEARD_S)
