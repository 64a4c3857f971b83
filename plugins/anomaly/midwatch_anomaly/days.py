"""What an hour that is over leaves: its place in the day, how busy it is, and whether the days have grown."""

from array import array

from midwatch_anomaly.baseline import deviation, learn, mean, samples
from midwatch_anomaly.change import Side
from midwatch_anomaly.layout import BUSY, BUSY_DAYS, BUSY_NOW, DAY, HOURS, RING, SUMS_AT
from midwatch_anomaly.metrics_watched import SUMS, Family, SumMetric
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.tuning import Tuning

_BUSY_WEIGHT = 0.2
# A day off says less of how busy the days of work are.
_IDLE_WEIGHT = 0.05
_DAY_WEIGHT = 0.1
_FLOOR = 0.2
# At least one weekend is among the days before one of them is judged.
_LEAST_DAYS = 8
# A day weighs only if it is off by as much as so many minutes that are.
_LEAST_MINUTES = 60


def end_hour(cells: array[float], ended: int, begun: int, tuning: Tuning) -> list[Reading]:
    """Hour `ended` is over and `begun` begins (both since 1970): what is off in the 24 hours that end with it."""
    _busy(cells, ended, begun)
    readings = []
    for at, item in zip(SUMS_AT, SUMS, strict=True):
        if tuning.drift and (reading := _day(cells, at, item, new_day=ended // HOURS != begun // HOURS, tuning=tuning)):
            readings.append(reading)
        for skipped in range(ended + 1, min(begun, ended + HOURS) + 1):
            cells[at + RING + skipped % HOURS] = 0.0
    return readings


def _busy(cells: array[float], ended: int, begun: int) -> None:
    """Hours that were skipped had no calls; also where nobody watched: then less is expected, which harms nobody."""
    for number in range(ended, min(begun, ended + HOURS)):
        hour = number % HOURS
        days = cells[BUSY_DAYS + hour] = min(cells[BUSY_DAYS + hour] + 1, 1000.0)
        buckets = cells[BUSY_NOW] if number == ended else 0.0
        weight = _BUSY_WEIGHT if buckets else _IDLE_WEIGHT
        cells[BUSY + hour] += max(weight, 1 / days) * (buckets - cells[BUSY + hour])
    cells[BUSY_NOW] = 0.0


def _day(cells: array[float], at: int, item: SumMetric, *, new_day: bool, tuning: Tuning) -> Reading | None:
    value = sum(cells[at + RING : at + RING + HOURS])
    scaled = item.scaled(value)
    reading = _grown(cells, at, item, value, scaled, tuning)
    if new_day and value > 0:
        learn(cells, at + DAY, scaled, _DAY_WEIGHT, _FLOOR, tuning.sigma)
    return reading


def _grown(
    cells: array[float], at: int, item: SumMetric, value: float, scaled: float, tuning: Tuning
) -> Reading | None:
    if samples(cells, at + DAY) < _LEAST_DAYS:
        return None
    middle, sigma = mean(cells, at + DAY), deviation(cells, at + DAY, _FLOOR)
    if scaled - middle < tuning.still * sigma or value - item.value(middle) < item.least * _LEAST_MINUTES:
        return None
    return Reading.above(item, value, middle, sigma, side=Side.DRIFT, family=Family.DRIFT)
