"""What an hour that is over leaves: its place in the day, how busy it is, and whether the days have grown.

Days are held against days some time past: the last three that were worked on, against those of the weeks before, but
for the two between. So what grows slowly does not make itself usual, and days off, which are not worked on, neither
hide it nor look like it. The deviation is the standard error of a difference of means, with one deviation for all
days, since three show none of their own
(https://en.wikipedia.org/wiki/Student%27s_t-test#Independent_two-sample_t-test).
"""

import math
from array import array
from statistics import fmean, median

from midwatch_anomaly.change import Side
from midwatch_anomaly.layout import BUSY, BUSY_DAYS, BUSY_NOW, DAY_RING, DAYS, HOURS, RING, SUMS_AT
from midwatch_anomaly.metrics_watched import SUMS, Family, SumMetric
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.tuning import Tuning

_BUSY_WEIGHT = 0.2
# A day off says less of how busy the days of work are.
_IDLE_WEIGHT = 0.05
# The days that are judged together; those between them and the days they are held against; how many of these it takes.
_NOW, _BETWEEN, _LEAST_BEFORE = 3, 2, 4
# A day with less of what is usual is one off.
_OFF = 1 / 3
# What days vary by: at the least; and as it is of most, which counts like so many days that were seen.
_FLOOR, _LIKELY, _LIKELY_DAYS = 0.15, 0.3, 3
# Of so few days a deviation is not well known: it takes so much more of it.
_DOUBT = 4 / 3
_LEAST_GROWTH = 1.5
# Days matter if they are off by as much as so many minutes that are.
_LEAST_MINUTES = 60


def end_hour(cells: array[float], ended: int, begun: int, tuning: Tuning) -> tuple[list[Reading], bool]:
    """Hour `ended` is over and `begun` begins (both since 1970): what has grown, and whether a day was judged."""
    _busy(cells, ended, begun)
    readings: list[Reading] = []
    judged = False
    for at, item in zip(SUMS_AT, SUMS, strict=True):
        if ended // HOURS != begun // HOURS:
            _end_day(cells, at, ended, begun)
            days = _worked(cells, at, ended // HOURS) if tuning.drift else []
            judged = judged or bool(days)
            if reading := _grown(item, days, tuning):
                readings.append(reading)
        for skipped in range(ended + 1, min(begun, ended + HOURS) + 1):
            cells[at + RING + skipped % HOURS] = 0.0
    return readings, judged


def _busy(cells: array[float], ended: int, begun: int) -> None:
    """Hours that were skipped had no calls; also where nobody watched: then less is expected, which harms nobody."""
    for number in range(ended, min(begun, ended + HOURS)):
        hour = number % HOURS
        days = cells[BUSY_DAYS + hour] = min(cells[BUSY_DAYS + hour] + 1, 1000.0)
        buckets = cells[BUSY_NOW] if number == ended else 0.0
        weight = _BUSY_WEIGHT if buckets else _IDLE_WEIGHT
        cells[BUSY + hour] += max(weight, 1 / days) * (buckets - cells[BUSY + hour])
    cells[BUSY_NOW] = 0.0


def _end_day(cells: array[float], at: int, ended: int, begun: int) -> None:
    """Remember the day that the hour `ended` was in; days between it and the hour `begun` had no calls."""
    day = ended // HOURS
    cells[at + DAY_RING + day % DAYS] = sum(cells[at + RING : at + RING + ended % HOURS + 1])
    for skipped in range(day + 1, min(begun // HOURS, day + DAYS)):
        cells[at + DAY_RING + skipped % DAYS] = 0.0


def _worked(cells: array[float], at: int, day: int) -> list[float]:
    """The days up to this one that were worked on, the oldest first; none where this one was not."""
    ring = cells[at + DAY_RING : at + DAY_RING + DAYS]
    newest = day % DAYS + 1
    days = [value for value in (*ring[newest:], *ring[:newest]) if value > 0]
    if not days:
        return []
    least = _OFF * median(sorted(days)[len(days) // 3 :])
    return [value for value in days if value >= least] if ring[newest - 1] >= least else []


def _grown(item: SumMetric, days: list[float], tuning: Tuning) -> Reading | None:
    before = [item.scaled(value) for value in days[: -_NOW - _BETWEEN]]
    if len(before) < _LEAST_BEFORE:
        return None
    middle, value = fmean(before), item.value(fmean(map(item.scaled, days[-_NOW:])))
    squares = sum((one - middle) ** 2 for one in before) + _LIKELY_DAYS * _LIKELY**2
    of_a_day = max(math.sqrt(squares / (len(before) + _LIKELY_DAYS - 1)), _FLOOR)
    sigma = _DOUBT * of_a_day * math.sqrt(1 / _NOW + 1 / len(before))
    usual = item.value(middle)
    off = item.scaled(value) - middle
    if off < tuning.still * sigma or value < _LEAST_GROWTH * usual or value - usual < item.least * _LEAST_MINUTES:
        return None
    buckets = round(_NOW * HOURS * tuning.buckets_an_hour)
    return Reading.above(item, value, middle, sigma, side=Side.DRIFT, family=Family.DRIFT, buckets=buckets)
