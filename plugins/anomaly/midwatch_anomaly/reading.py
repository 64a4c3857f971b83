"""A value that is not as usual, before anybody says that it is an anomaly."""

import math
from dataclasses import dataclass

from midwatch_anomaly.change import Metric, Side
from midwatch_anomaly.metrics_watched import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """See `change.Explanation` for the numbers. `calls` is how many it is of, where that matters; `buckets` in how
    many it came about.
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
