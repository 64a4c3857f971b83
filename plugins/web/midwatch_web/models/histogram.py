"""A histogram of the metrics as people ask it: how many, their mean, and below which value a share of them lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from midwatch_core import MetricSpec, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts in classes up to each of `bounds`, one more above the last of them, and the sum of what was observed."""

    bounds: Sequence[float]
    counts: Sequence[float]
    total: float

    @property
    def count(self) -> int:
        """How many were observed."""
        return int(sum(self.counts))

    @property
    def mean(self) -> float | None:
        """Their mean; None where nothing was observed."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """The value below which this share of them lies, evenly spread within its class; None where nothing was.

        What lies above the last bound counts as the last bound, as Prometheus has it:
        https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
        """
        wanted = share * self.count
        if not wanted > 0:
            return None
        lower = 0.0
        for upper, count, upto in zip(self.bounds, self.counts, accumulate(self.counts), strict=False):
            if upto >= wanted:
                return upper - (upper - lower) * (upto - wanted) / count
            lower = upper
        return lower


def histogram_of(spec: MetricSpec, sample: Sample) -> Histogram:
    """The histogram that a sample is of."""
    return Histogram(bounds=spec.buckets, counts=sample.values[:-1], total=sample.values[-1])
