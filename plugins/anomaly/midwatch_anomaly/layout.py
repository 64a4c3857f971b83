"""Where the numbers of one series stand in its array of 32-bit floats."""

from midwatch_anomaly.baseline import CELLS
from midwatch_anomaly.metrics_watched import CALLS_METRIC, RATIOS, SUMS

HOURS = 24
# Buckets of a window, and days that are remembered.
WINDOW = 15
DAYS = 28

# Of each metric: what is usual of late, and in each hour of the day.
RECENT = 0
SLOTS = RECENT + CELLS
_LEVELS = SLOTS + HOURS * CELLS

# Of a sum also the sums of the last 24 hours, and those of the last days.
RING = _LEVELS
DAY_RING = RING + HOURS
_SUM = DAY_RING + DAYS

# Of a ratio also what waits until it is of enough calls: the sum above, the one below, the calls.
WAITING = _LEVELS
WAITING_CELLS = 3
_RATIO = WAITING + WAITING_CELLS

SUMS_AT = tuple(number * _SUM for number in range(len(SUMS)))
RATIOS_AT = tuple(_SUM * len(SUMS) + number * _RATIO for number in range(len(RATIOS)))
CALLS_AT = SUMS_AT[SUMS.index(CALLS_METRIC)]

# By hour of the day: the buckets of it that have calls, on how many days that was seen; those of this hour so far.
BUSY = RATIOS_AT[-1] + _RATIO
BUSY_DAYS = BUSY + HOURS
BUSY_NOW = BUSY_DAYS + HOURS
# The share of buckets that have calls of late.
SHARE = BUSY_NOW + 1
# The most calls that were missed in a pause that ended by itself.
PAUSE = SHARE + 1
# The calls of the last buckets, the newest first; and what is usual of a window.
LAST = PAUSE + 1
WIDE = LAST + WINDOW
SIZE = WIDE + _LEVELS
