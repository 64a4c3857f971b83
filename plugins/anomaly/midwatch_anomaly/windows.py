"""The calls of the last buckets together, held against what is usual: what is high for a while, and in no bucket.

Sessions come in clumps, so that a bucket varies tenfold by itself; a window varies less. Only calls are judged so: what
they bring and cost varies too much from session to session for a window of them to stand out, see `RATIOS` for these.
"""

from array import array

from midwatch_anomaly.baseline import mean, samples
from midwatch_anomaly.layout import CALLS_AT, LAST, RECENT, WIDE, WINDOW
from midwatch_anomaly.levels import high, take
from midwatch_anomaly.metrics_watched import CALLS_METRIC, WINDOW_METRIC
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.sums import bounded
from midwatch_anomaly.tuning import Tuning

# A window matters if it is off by as much as so many buckets that are.
_LEAST_BUCKETS = 3
# It is high no more where so many of its newest buckets are as usual: what was is still in it.
_NEWEST = 5


def pass_buckets(cells: array[float], passed: int) -> None:
    """So many buckets later; in the last of them nothing came yet. The newest stands first."""
    passed = min(passed, WINDOW)
    cells[LAST + passed : LAST + WINDOW] = cells[LAST : LAST + WINDOW - passed]
    cells[LAST : LAST + passed] = array("f", bytes(4 * passed))


def take_window(cells: array[float], calls: float, tuning: Tuning, hour: int) -> None:
    """Take in the calls of a bucket, as many as are usual at most: one bucket alone makes no window high."""
    cells[LAST] = bounded(cells, CALLS_AT, CALLS_METRIC, calls, tuning)
    scaled = WINDOW_METRIC.scaled(sum(cells[LAST : LAST + WINDOW]))
    take(cells, WIDE, scaled, _floor(cells), tuning, hour, weight=tuning.wide_weight, lower=WINDOW_METRIC.lower)


def high_window(cells: array[float], calls: float, tuning: Tuning, *, passed: int, hour: int) -> Reading | None:
    """How far the window is above what is usual that ends with this bucket, `passed` after the one taken in last."""
    if samples(cells, WIDE + RECENT) < tuning.wide_samples:
        return None
    newest = bounded(cells, CALLS_AT, CALLS_METRIC, calls, tuning)
    value = newest + sum(cells[LAST : LAST + max(WINDOW - passed, 0)])
    least = WINDOW_METRIC.least * tuning.minutes * _LEAST_BUCKETS
    reading = high(
        cells, WIDE, WINDOW_METRIC, value, tuning, hour=hour, floor=_floor(cells), least=least, buckets=WINDOW
    )
    if reading is None:
        return None
    newest += sum(cells[LAST : LAST + max(_NEWEST - passed, 0)])
    return reading if newest >= tuning.factor * reading.usual * _NEWEST / WINDOW else None


def _floor(cells: array[float]) -> float:
    return max(WINDOW_METRIC.floor * mean(cells, WIDE + RECENT), WINDOW_METRIC.floor)
