"""The series of one tenant, agent, key or model: all its metrics, in one array."""

from array import array
from dataclasses import replace

from midwatch_anomaly.baseline import CELLS, deviation, mean
from midwatch_anomaly.days import end_hour
from midwatch_anomaly.layout import (
    BUSY,
    BUSY_DAYS,
    BUSY_NOW,
    CALLS_AT,
    HOURS,
    PAUSE,
    RATIOS_AT,
    RECENT,
    SHARE,
    SIZE,
    SLOTS,
    SUMS_AT,
)
from midwatch_anomaly.metrics_watched import CALLS, CALLS_METRIC, RATIOS, SUMS, Family
from midwatch_anomaly.ratios import forget_waiting, read_ratio
from midwatch_anomaly.reading import Reading
from midwatch_anomaly.sums import high_sum, take_sum
from midwatch_anomaly.tuning import Tuning
from midwatch_anomaly.windows import high_window, pass_buckets, take_window

# So many days must have shown how busy an hour is before calls are missed in it.
_KNOWN_DAYS = 2
# Calls that came so many hours before the next ones make no mean with them.
_WAITING_H = 3
_SINKING = 0.995
# Nobody is missed in hours that usually have fewer of their buckets with calls.
_BUSY_HOUR = 0.25


class Series:
    """What is usual, and the reading of what comes. `born` and `last` are numbers of watched buckets, `hour` is the
    hour since 1970 that the last calls were in.
    """

    __slots__ = ("born", "cells", "hour", "last")

    def __init__(self, *, born: int, hour: int) -> None:
        self.cells = array("f", bytes(4 * SIZE))
        self.born = born
        self.last = born
        self.hour = hour

    def read(self, sums: list[float], tuning: Tuning, *, bucket: int, hour: int) -> tuple[list[Reading], list[Family]]:
        """Take in the sums of a bucket: what is off in them, and the families that there was anything to say of."""
        families = [Family.VOLUME]
        readings: list[Reading] = []
        if hour != self.hour:
            readings += self._turn(hour, tuning, families)
        readings += self.peek(sums, tuning, bucket=bucket, hour=hour)
        self._come(bucket, tuning)
        for at, item in zip(SUMS_AT, SUMS, strict=True):
            take_sum(self.cells, at, item, sums[item.field], tuning, hour % HOURS)
        take_window(self.cells, sums[CALLS], tuning, hour % HOURS)
        self._ratios(sums, tuning, hour % HOURS, readings, families)
        return readings, families

    def peek(self, sums: list[float], tuning: Tuning, *, bucket: int, hour: int) -> list[Reading]:
        """What is off in the sums of a bucket, also of one that is not over yet; nothing is taken in."""
        readings = [
            replace(reading, calls=sums[CALLS])
            for at, item in zip(SUMS_AT, SUMS, strict=True)
            if (reading := high_sum(self.cells, at, item, sums[item.field], tuning, hour % HOURS))
        ]
        passed = max(bucket - self.last, 1)
        wide = high_window(self.cells, sums[CALLS], tuning, passed=passed, hour=hour % HOURS)
        return readings if wide is None else _with_wide(readings, wide)

    @property
    def share(self) -> float:
        """The share of buckets that had calls of late, when the last came."""
        return self.cells[SHARE]

    @property
    def usual_calls(self) -> float:
        """What is usual of late in a bucket with calls."""
        return CALLS_METRIC.value(mean(self.cells, CALLS_AT + RECENT))

    @property
    def pause(self) -> float:
        """The most calls that were missed in a pause that ended by itself; that slowly sinks again."""
        return self.cells[PAUSE]

    def paused(self, missed: float) -> None:
        """A pause in which so many calls were missed is over."""
        self.cells[PAUSE] = max(missed, self.cells[PAUSE] * _SINKING)

    def expected(self, tuning: Tuning, hour: int) -> float:
        """The calls that a bucket of this hour should have at the least, by late buckets and by the hour of the day."""
        of_late = self._calls(RECENT, self.share)
        if not tuning.by_hour:
            return of_late
        near = [(hour + step) % HOURS for step in (-1, 0, 1)]
        return min(of_late, *(self._in_hour(slot, tuning) for slot in near))

    def _in_hour(self, slot: int, tuning: Tuning) -> float:
        if self.cells[BUSY_DAYS + slot] < _KNOWN_DAYS:
            return 0.0
        share = min(self.cells[BUSY + slot] / tuning.buckets_an_hour, 1.0)
        if share < _BUSY_HOUR:
            return 0.0
        return self._calls(SLOTS + slot * CELLS, share)

    def _calls(self, base: int, share: float) -> float:
        """One deviation below the mean, of buckets with calls, times their share."""
        at = CALLS_AT + base
        return share * max(
            0.0, CALLS_METRIC.value(mean(self.cells, at) - deviation(self.cells, at, CALLS_METRIC.floor))
        )

    def _turn(self, hour: int, tuning: Tuning, families: list[Family]) -> list[Reading]:
        """An hour later than the last calls; a clock that was put back only begins anew from there."""
        ended, self.hour = self.hour, hour
        if hour < ended:
            self.cells[BUSY_NOW] = 0.0
            return []
        if hour - ended > _WAITING_H:
            forget_waiting(self.cells)
        readings, judged = end_hour(self.cells, ended, hour, tuning)
        if judged:
            families.append(Family.DRIFT)
        return readings

    def _come(self, bucket: int, tuning: Tuning) -> None:
        self.cells[BUSY_NOW] += 1
        gone = max(bucket - self.last, 1)
        pass_buckets(self.cells, gone)
        self.cells[SHARE] = self.cells[SHARE] * tuning.keeping**gone + 1 - tuning.keeping
        self.last = bucket

    def _ratios(
        self, sums: list[float], tuning: Tuning, hour: int, readings: list[Reading], families: list[Family]
    ) -> None:
        for at, item in zip(RATIOS_AT, RATIOS, strict=True):
            there, reading = read_ratio(self.cells, at, item, sums, tuning, hour)
            if there and item.family not in families:
                families.append(item.family)
            if reading:
                readings.append(reading)


def _with_wide(readings: list[Reading], wide: Reading) -> list[Reading]:
    """Of a metric that is off in the bucket and in the window, the one that is farther off."""
    others = [reading for reading in readings if reading.metric is not wide.metric]
    return [*others, max([wide, *(reading for reading in readings if reading.metric is wide.metric)], key=_far)]


def _far(reading: Reading) -> float:
    return reading.deviations
