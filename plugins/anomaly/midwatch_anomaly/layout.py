"""Where the numbers of one series stand in its array of 32-bit floats."""

from midwatch_anomaly.baseline import CELLS
from midwatch_anomaly.change import Metric
from midwatch_anomaly.metrics_watched import RATIOS, SUMS

HOURS = 24

# Of each metric: what is usual of late, and in each hour of the day.
RECENT = 0
SLOTS = RECENT + CELLS
_LEVELS = SLOTS + HOURS * CELLS

# Of a sum also what is usual of a day, and the sums of the last 24 hours.
DAY = _LEVELS
RING = DAY + CELLS
_SUM = RING + HOURS

# Of a ratio also what waits until it is of enough calls: the sum above, the one below, the calls.
WAITING = _LEVELS
WAITING_CELLS = 3
_RATIO = WAITING + WAITING_CELLS

SUMS_AT = tuple(number * _SUM for number in range(len(SUMS)))
RATIOS_AT = tuple(_SUM * len(SUMS) + number * _RATIO for number in range(len(RATIOS)))
CALLS_AT = SUMS_AT[next(number for number, item in enumerate(SUMS) if item.metric is Metric.CALLS)]

# By hour of the day: the buckets of it that have calls, on how many days that was seen; those of this hour so far.
BUSY = RATIOS_AT[-1] + _RATIO
BUSY_DAYS = BUSY + HOURS
BUSY_NOW = BUSY_DAYS + HOURS
# The share of buckets that have calls of late.
SHARE = BUSY_NOW + 1
# The most calls that were missed in a pause that ended by itself.
PAUSE = SHARE + 1
SIZE = PAUSE + 1
