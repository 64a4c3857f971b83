"""What is usual of a number, of late and in each hour of the day; and how far a value is above both.

A value is off only where both say so: mornings are no anomaly, nor is a job of every night, nor a night shift that has
gone on for an hour.
"""

from array import array

from midwatch_anomaly.baseline import CELLS, deviation, learn, mean, samples
from midwatch_anomaly.layout import HOURS, RECENT, SLOTS
from midwatch_anomaly.metrics_watched import RatioMetric, SumMetric
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.tuning import Tuning

# An hour of the day is known after so many samples.
KNOWN = 30
# What is usual in an hour is that of days of work: weekends are taken in but so far.
_LOWER = 1.0


def take(
    cells: array[float],
    at: int,
    scaled: float,
    floor: float,
    tuning: Tuning,
    hour: int,
    *,
    weight: float | None = None,
    lower: float | None = None,
) -> None:
    """Take in a value, scaled; `weight` and `lower` in what is usual of late, where they are not those of a bucket."""
    learn(cells, at + RECENT, scaled, weight or tuning.weight, floor, tuning.sigma, lower)
    if tuning.by_hour:
        learn(cells, at + SLOTS + hour * CELLS, scaled, tuning.slot_weight, floor, tuning.sigma, _LOWER)


def high(
    cells: array[float],
    at: int,
    item: SumMetric | RatioMetric,
    value: float,
    tuning: Tuning,
    *,
    hour: int,
    floor: float,
    least: float,
    buckets: int = 1,
) -> Reading | None:
    """How far a value is above what is usual, where that is far enough, by `least` too, to matter."""
    scaled = item.scaled(value)
    if _off(cells, at + RECENT, scaled, floor) < tuning.still * item.doubt:
        return None
    base, of_hour = _strictest(cells, at, scaled, floor, tuning, hour)
    middle, sigma = mean(cells, base), item.doubt * deviation(cells, base, floor)
    usual = item.value(middle)
    if scaled - middle < tuning.still * sigma or value < tuning.factor * usual or value - usual < least:
        return None
    return Reading.above(item, value, middle, sigma, hour=of_hour, buckets=buckets)


def _strictest(
    cells: array[float], at: int, scaled: float, floor: float, tuning: Tuning, hour: int
) -> tuple[int, int | None]:
    """The baseline that a value is least far above: that of late, or of an hour of the day, and which hour."""
    best, of_hour, least = at + RECENT, None, _off(cells, at + RECENT, scaled, floor)
    for slot in _hours_like(cells, at, hour) if tuning.by_hour else ():
        base = at + SLOTS + slot * CELLS
        off = _off(cells, base, scaled, floor)
        if off < least:
            best, of_hour, least = base, slot, off
    return best, of_hour


def _hours_like(cells: array[float], at: int, hour: int) -> list[int]:
    """The hours of the day that this one is held against, of those known: it and its neighbours (clocks are put
    forward and back), or where it is not known, all.
    """
    near = ((hour - 1) % HOURS, hour, (hour + 1) % HOURS)
    known = [slot for slot in near if samples(cells, at + SLOTS + slot * CELLS) >= KNOWN]
    if hour in known:
        return known
    return [slot for slot in range(HOURS) if samples(cells, at + SLOTS + slot * CELLS) >= KNOWN]


def _off(cells: array[float], base: int, scaled: float, floor: float) -> float:
    return (scaled - mean(cells, base)) / deviation(cells, base, floor)
