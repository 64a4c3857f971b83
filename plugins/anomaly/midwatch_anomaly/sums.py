"""Sums of a bucket, held against what is usual.

Buckets without calls are not taken in, so that "usual" is what somebody does who is at work; see silence.py for those
who stop.
"""

from array import array

from midwatch_anomaly.baseline import deviation, mean, samples
from midwatch_anomaly.layout import RECENT, RING
from midwatch_anomaly.levels import high, take
from midwatch_anomaly.metrics_watched import SumMetric
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.tuning import Tuning


def take_sum(cells: array[float], at: int, item: SumMetric, value: float, tuning: Tuning, hour: int) -> None:
    """Take in a sum. A day's sums have of it what is usual at most: a spike is no drift."""
    cells[at + RING + hour] += bounded(cells, at, item, value, tuning)
    take(cells, at, item.scaled(value), item.floor, tuning, hour)


def high_sum(cells: array[float], at: int, item: SumMetric, value: float, tuning: Tuning, hour: int) -> Reading | None:
    """How far a sum is above what is usual, where it is far enough to matter."""
    if samples(cells, at + RECENT) < tuning.least_samples:
        return None
    return high(cells, at, item, value, tuning, hour=hour, floor=item.floor, least=item.least * tuning.minutes)


def bounded(cells: array[float], at: int, item: SumMetric, value: float, tuning: Tuning) -> float:
    """Of a sum as much as is usual at most, where it is known what is."""
    if samples(cells, at + RECENT) < tuning.least_samples:
        return value
    edge = mean(cells, at + RECENT) + tuning.sigma * deviation(cells, at + RECENT, item.floor)
    return min(value, item.value(edge))
