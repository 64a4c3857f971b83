"""When tenants work: offices by day, services around the clock, a few calls now and then, jobs at night."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

DAY_S = 86_400
# The Monday that the simulated month begins with, seconds since 1970: 2026-03-02T00:00Z.
BEGIN_S = 1_772_409_600


class Work(StrEnum):
    """A way to work."""

    OFFICE = "office"
    ALWAYS = "always"
    SPARSE = "sparse"
    NIGHTLY = "nightly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How busy a stream of calls is: 1 at its peak. `zone_h` is its clock's distance to UTC, `job_h` a job's hour."""

    work: Work
    zone_h: int = 0
    job_h: int = 2

    def at(self, now_s: float) -> float:
        """The share of the peak at a moment."""
        local_s = now_s + self.zone_h * 3600 - BEGIN_S
        hour, day = local_s % DAY_S / 3600, int(local_s // DAY_S) % 7
        if self.work is Work.NIGHTLY:
            return 1.0 if self.job_h <= hour < self.job_h + 0.5 else 0.0
        if self.work is Work.ALWAYS:
            return (0.65 - 0.35 * math.cos((hour - 3) / 24 * math.tau)) * (0.8 if day >= 5 else 1.0)
        return _office(hour) * (0.04 if day >= 5 else 1.0)

    def is_busy(self, now_s: float) -> bool:
        """Whether it is a time at which it would be missed."""
        return self.at(now_s) >= 0.5


def _office(hour: float) -> float:
    """Up from eight, a lunch, down from five; somebody is always up late."""
    up, down = 1 / (1 + math.exp(-3 * (hour - 8.5))), 1 / (1 + math.exp(2 * (hour - 17.5)))
    lunch = 1 - 0.4 * math.exp(-(((hour - 12.7) / 0.7) ** 2))
    return 0.01 + up * down * lunch
