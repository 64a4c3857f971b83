"""Calls that stop: a tenant that had some in nearly every bucket, of late and in this hour of other days, has none."""

import math
from dataclasses import dataclass

from midwatch_anomaly.change import Metric, Side
from midwatch_anomaly.metrics_watched import Family
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.series import Series

# The share of buckets with calls from which on somebody is steady.
_STEADY = 0.3
# A bucket with so small a part of what is expected is as good as empty: retries, a health check.
_NOTHING = 0.1
# Calls that must be missed, in at least so many buckets: then neither chance nor a pause explains it.
_MISSED = 20.0
_BUCKETS = 3
# Who pauses now and then is missed when that takes so many times longer.
_PAUSES = 5.0


@dataclass(slots=True)
class _Stop:
    buckets: int = 0
    expected: float = 0.0
    came: float = 0.0


class Silence:
    """Who is steady, and since when a steady one is silent."""

    def __init__(self) -> None:
        self._steady: dict[str, _Stop] = {}

    def heard(self, tenant: str, series: Series, calls: float) -> bool:
        """Note a bucket with calls of a tenant; whether these are more than as good as nothing."""
        stop = self._steady.get(tenant)
        if stop is not None and calls < _NOTHING * series.usual_calls:
            stop.came += calls
            return False
        if stop is not None and stop.buckets:
            series.paused(min(stop.expected, _limit(series)))
        if series.share < _STEADY:
            self._steady.pop(tenant, None)
        elif stop is None or stop.buckets:
            self._steady[tenant] = _Stop()
        return True

    def steady(self) -> list[str]:
        """The tenants whose calls would be missed."""
        return list(self._steady)

    def missed(self, tenant: str, series: Series, expected: float) -> Reading | None:
        """Note a bucket without calls where `expected` were: what there is to say once enough were missed."""
        if expected <= 0:  # who falls silent when that is usual is not missed until heard again
            self.forget(tenant)
            return None
        stop = self._steady[tenant]
        stop.buckets += 1
        stop.expected += expected
        if stop.buckets < _BUCKETS or stop.expected < _limit(series):
            return None
        sigma = math.sqrt(stop.expected)
        return Reading(
            metric=Metric.CALLS,
            family=Family.SILENCE,
            side=Side.LOW,
            value=stop.came,
            usual=stop.expected,
            sigma=sigma,
            deviations=(stop.expected - stop.came) / sigma,
            buckets=stop.buckets,
        )

    def forget(self, tenant: str | None = None) -> None:
        """Expect nothing of a tenant, or with None of anybody, until it is heard again."""
        if tenant is None:
            self._steady.clear()
        else:
            self._steady.pop(tenant, None)


def _limit(series: Series) -> float:
    return max(_MISSED / max(series.share, _STEADY), _PAUSES * series.pause)
