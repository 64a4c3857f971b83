"""Means and rates, held against what is usual once they are of enough calls, be that in one bucket or in many."""

from array import array

from midwatch_anomaly.baseline import samples
from midwatch_anomaly.layout import RATIOS_AT, RECENT, WAITING, WAITING_CELLS
from midwatch_anomaly.levels import high, take
from midwatch_anomaly.metrics_watched import RatioMetric
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.tuning import Tuning


def read_ratio(
    cells: array[float], at: int, item: RatioMetric, sums: list[float], tuning: Tuning, hour: int
) -> tuple[bool, Reading | None]:
    """Take in a bucket's sums: whether that makes a value, and the value where it is off."""
    above, below, calls = at + WAITING, at + WAITING + 1, at + WAITING + 2
    cells[above] += sums[item.above]
    cells[below] += sum(sums[field] for field in item.below)
    cells[calls] += sums[item.counted]
    if cells[calls] < item.calls:
        return False, None
    counted, bottom = cells[calls], cells[below]
    value = cells[above] / bottom if bottom > 0 else 0.0
    cells[above] = cells[below] = cells[calls] = 0.0
    if bottom <= 0:
        return False, None
    floor, reading = item.floor_of(counted), None
    if samples(cells, at + RECENT) >= tuning.least_samples / 2:
        reading = high(cells, at, item, value, tuning, hour=hour, floor=floor, least=item.least)
    take(cells, at, item.scaled(value), floor, tuning, hour)
    return True, reading


def forget_waiting(cells: array[float]) -> None:
    """What waits until it is of enough calls is too old by now."""
    for at in RATIOS_AT:
        cells[at + WAITING : at + WAITING + WAITING_CELLS] = array("f", bytes(4 * WAITING_CELLS))
