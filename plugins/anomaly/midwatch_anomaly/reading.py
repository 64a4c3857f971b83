"""A value that is not as usual, before anybody says that it is an anomaly."""

import math
from dataclasses import dataclass

from midwatch_anomaly.change import Metric, Side
from midwatch_anomaly.metrics_watched import Family, RatioMetric, SumMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """See `change.Explanation` for the numbers. `calls` is how many it is of, where that matters; `buckets` in how
    many it came about, the last one included.
    """

    metric: Metric
    family: Family
    side: Side
    value: float
    usual: float
    sigma: float
    deviations: float
    hour: int | None = None
    calls: float = math.inf
    buckets: int = 1

    @classmethod
    def above(
        cls,
        item: SumMetric | RatioMetric,
        value: float,
        middle: float,
        sigma: float,
        *,
        side: Side = Side.HIGH,
        family: Family | None = None,
        hour: int | None = None,
        buckets: int = 1,
    ) -> "Reading":
        """A value held against what is usual of its metric; `middle` and `sigma` are on the metric's scale."""
        usual = item.value(middle)
        return cls(
            metric=item.metric,
            family=family or item.family,
            side=side,
            value=value,
            usual=usual,
            sigma=item.value(middle + sigma) - usual,
            deviations=(item.scaled(value) - middle) / sigma,
            hour=hour,
            buckets=buckets,
        )
