"""How each metric is watched: on which scale, from how many calls on, and how much it must be off to matter.

Costs, tokens and times are heavy-tailed: on a scale of logarithms a deviation is a factor, and one dear call does not
hide the next. Rates are on the scale of arcsines of roots, where n calls vary by 1 / (2 √n) whatever the rate is
(https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Arcsine_transformation).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from midwatch_anomaly.change import Metric

# What is summed of a bucket, in this order; see Measurement.
FIELDS = ("calls", "errors", "findings", "cost", "input", "output", "latency", "timed", "ttft", "first_timed")
CALLS, ERRORS, FINDINGS, COST, INPUT, OUTPUT, LATENCY, TIMED, TTFT, FIRST_TIMED = range(len(FIELDS))
# A sum beyond this is no measurement of anything.
_MOST = 1e15


class Family(StrEnum):
    """Metrics that move together, and are told as one anomaly."""

    VOLUME = "volume"
    SPEED = "speed"
    ERRORS = "errors"
    FINDINGS = "findings"
    SIZE = "size"
    SHAPE = "shape"
    SILENCE = "silence"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class SumMetric:
    """A sum of a bucket. `unit` is where the logarithm begins; `least` what it must be off in a minute to matter.

    Where values are far off by themselves more often than normal ones would be, deviations are taken `doubt` times as
    wide.
    """

    metric: Metric
    field: int
    unit: float
    least: float
    floor: float = 0.2
    doubt: float = 1.0
    family: Family = Family.VOLUME

    def scaled(self, value: float) -> float:
        """A value on the scale of this metric."""
        return math.log1p(value / self.unit)

    def value(self, scaled: float) -> float:
        """Back from the scale."""
        return self.unit * math.expm1(min(scaled, 60.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMetric(SumMetric):
    """A sum of some buckets, on the scale of cube roots, on which few clumps vary on both sides alike (as Wilson and
    Hilferty have it of sums of squares, https://doi.org/10.1073/pnas.17.12.684). `floor` is a share of what is usual.
    What is low is taken in by `lower` deviations at most: a window that only begins to fill says little.
    """

    lower: float = 1.0

    def scaled(self, value: float) -> float:
        """A value on the scale of this metric."""
        return math.cbrt(value / self.unit)

    def value(self, scaled: float) -> float:
        """Back from the scale."""
        return float(self.unit * scaled**3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioMetric:
    """A ratio of two sums, over at least `calls` calls (as the field `counted` has them) of one or more buckets.

    The sum `below` may be one of several fields. `doubt` as in SumMetric.
    """

    metric: Metric
    above: int
    below: tuple[int, ...]
    counted: int
    calls: int
    least: float
    family: Family
    rate: bool = False
    unit: float = 1.0
    floor: float = 0.15
    doubt: float = 1.0

    def scaled(self, value: float) -> float:
        """A value on the scale of this metric."""
        return math.asin(math.sqrt(min(value, 1.0))) if self.rate else math.log1p(value / self.unit)

    def value(self, scaled: float) -> float:
        """Back from the scale."""
        if self.rate:
            return math.sin(min(max(scaled, 0.0), math.pi / 2)) ** 2
        return self.unit * math.expm1(min(scaled, 60.0))

    def floor_of(self, calls: float) -> float:
        """The least a deviation is: of a rate, what chance alone makes of so many calls."""
        return max(self.floor, 0.5 / math.sqrt(calls)) if self.rate else self.floor


SUMS = (
    SumMetric(metric=Metric.COST, field=COST, unit=0.01, least=0.10),
    SumMetric(metric=Metric.CALLS, field=CALLS, unit=1.0, least=10.0),
    SumMetric(metric=Metric.INPUT, field=INPUT, unit=100.0, least=20_000.0),
    SumMetric(metric=Metric.OUTPUT, field=OUTPUT, unit=100.0, least=5_000.0),
)
RATIOS = (
    RatioMetric(
        metric=Metric.LATENCY,
        above=LATENCY,
        below=(TIMED,),
        counted=TIMED,
        calls=20,
        least=1000.0,
        family=Family.SPEED,
        unit=10.0,
    ),
    RatioMetric(
        metric=Metric.TTFT,
        above=TTFT,
        below=(FIRST_TIMED,),
        counted=FIRST_TIMED,
        calls=20,
        least=500.0,
        family=Family.SPEED,
        unit=10.0,
    ),
    RatioMetric(
        metric=Metric.ERRORS,
        above=ERRORS,
        below=(CALLS,),
        counted=CALLS,
        calls=20,
        least=0.1,
        family=Family.ERRORS,
        rate=True,
        floor=0.05,
    ),
    RatioMetric(
        metric=Metric.FINDINGS,
        above=FINDINGS,
        below=(CALLS,),
        counted=CALLS,
        calls=20,
        least=0.2,
        family=Family.FINDINGS,
        rate=True,
        floor=0.05,
    ),
    RatioMetric(
        metric=Metric.RATIO,
        above=OUTPUT,
        below=(INPUT,),
        counted=CALLS,
        calls=20,
        least=0.05,
        family=Family.SHAPE,
        unit=0.001,
    ),
    RatioMetric(
        metric=Metric.PRICE,
        above=COST,
        below=(INPUT, OUTPUT),
        counted=CALLS,
        calls=10,
        least=5e-7,
        family=Family.SIZE,
        unit=1e-9,
        doubt=7 / 6,
    ),
    RatioMetric(
        metric=Metric.INPUT_SIZE,
        above=INPUT,
        below=(CALLS,),
        counted=CALLS,
        calls=20,
        least=1000.0,
        family=Family.SIZE,
        unit=10.0,
        doubt=4 / 3,
    ),
    RatioMetric(
        metric=Metric.OUTPUT_SIZE,
        above=OUTPUT,
        below=(CALLS,),
        counted=CALLS,
        calls=20,
        least=200.0,
        family=Family.SIZE,
        unit=10.0,
        doubt=7 / 6,
    ),
)
CALLS_METRIC = next(item for item in SUMS if item.metric is Metric.CALLS)
# Windows overlap, and are judged at every bucket: that takes more doubt.
WINDOW_METRIC = WindowMetric(metric=Metric.CALLS, field=CALLS, unit=1.0, least=10.0, floor=0.1, doubt=3 / 2)


def clean(value: float) -> float:
    """A number that can be summed: what is negative, infinite, no number or beyond all sense is nothing."""
    return value if 0.0 <= value < _MOST else 0.0
