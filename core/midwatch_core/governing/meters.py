"""What counts: a token bucket, a sliding window, calls at once, an allowance. Pure: the moment is an argument.

A cache that is shared counts in the very same steps; a test holds the two against each other.
"""

from math import ceil
from typing import Protocol, final

from midwatch_core.governing.moment import MICRO, Moment
from midwatch_core.metering import MOST, SLOTS, Allowance, Bucket, Concurrency, Window

# A bucket refills in fractions: what lacks less than this of a unit is there.
GRAIN = 1e-6
# Nobody knows when a call in flight ends: this is when to ask again.
ASK_AGAIN_US = MICRO
# An allowance outlives its end by a day: a clock that jumped ahead and comes back finds it as it was.
_DAY_US = 86_400 * MICRO
_LONGEST_US = 400 * _DAY_US


class Counter[M](Protocol):
    """One counter. The meter comes with every question: its limit may have changed since the last."""

    def used(self, meter: M, at: Moment) -> int:
        """What it stands at."""
        ...

    def wait_us(self, meter: M, amount: int, at: Moment) -> int:
        """0 where `amount` fits now; else when it will, if it ever can."""
        ...

    def take(self, meter: M, amount: int, at: Moment) -> int:
        """Count `amount`, whether it fits or not; the place to correct it at."""
        ...

    def correct(self, place: int, change: int) -> None:
        """Count more or less where it was taken; nothing where that is out of time."""
        ...

    def idle(self, at: Moment) -> bool:
        """Whether a new counter would answer the same."""
        ...


@final
class TokenBucket:
    """Counts what is missing from a full bucket; time fills it up."""

    __slots__ = ("_at_us", "_full_us", "_missing")

    def __init__(self) -> None:
        self._missing = 0.0
        self._at_us = 0
        self._full_us = 0

    def used(self, meter: Bucket, at: Moment) -> int:
        """What is missing from the burst, in whole units."""
        return max(0, ceil(self._now(meter, at) - GRAIN))

    def wait_us(self, meter: Bucket, amount: int, at: Moment) -> int:
        """0 where it fits, else the time until enough is refilled."""
        short = self._now(meter, at) + amount - meter.burst
        return 0 if short <= GRAIN else ceil(min(short * MICRO / meter.rate_per_s, MOST))

    def take(self, meter: Bucket, amount: int, at: Moment) -> int:
        """Take tokens."""
        self._missing = min(self._now(meter, at) + amount, MOST)
        self._at_us = at.now_us
        self._full_us = at.now_us + ceil(min(self._missing * MICRO / meter.rate_per_s, MOST))
        return 0

    def correct(self, place: int, change: int) -> None:
        """Tokens are not given back."""

    def idle(self, at: Moment) -> bool:
        """Whether it is full."""
        return self._full_us <= at.now_us

    def _now(self, meter: Bucket, at: Moment) -> float:
        return max(0.0, self._missing - (at.now_us - self._at_us) * meter.rate_per_s / MICRO)


@final
class SlidingWindow:
    """Counts what was taken in each slot of the window. The slot that is partly out counts whole: never too low."""

    __slots__ = ("_gone_us", "_slots", "_sum")

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}  # oldest first
        self._sum = 0
        self._gone_us = 0

    def used(self, meter: Window, at: Moment) -> int:
        """What the slots in the window hold."""
        self._forget(at.now_us // meter.slot_us - SLOTS)
        return min(self._sum, MOST)

    def wait_us(self, meter: Window, amount: int, at: Moment) -> int:
        """0 where it fits, else the time until enough slots have left."""
        self._forget(at.now_us // meter.slot_us - SLOTS)
        over = self._sum + amount - meter.limit
        if over <= 0:
            return 0
        for slot, held in self._slots.items():
            over -= held
            if over <= 0:
                return (slot + SLOTS + 1) * meter.slot_us - at.now_us
        return 1  # more than the limit: no wait is long enough

    def take(self, meter: Window, amount: int, at: Moment) -> int:
        """Count in the slot of now."""
        slot = at.now_us // meter.slot_us
        self._forget(slot - SLOTS)
        self._slots.setdefault(slot, 0)
        self.correct(slot, amount)
        self._gone_us = (slot + SLOTS + 1) * meter.slot_us
        return slot

    def correct(self, place: int, change: int) -> None:
        """Change what a slot holds, if it is still there."""
        held = self._slots.get(place)
        if held is not None:
            self._slots[place] = kept = min(max(0, held + change), MOST)
            self._sum += kept - held

    def idle(self, at: Moment) -> bool:
        """Whether the last slot has left."""
        return self._gone_us <= at.now_us

    def _forget(self, oldest: int) -> None:
        while self._slots and (slot := next(iter(self._slots))) < oldest:
            self._sum -= self._slots.pop(slot)


@final
class Holding:
    """Counts what is held at once. Who holds, and for how long, is the ledger's to know."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = 0

    def used(self, meter: Concurrency, at: Moment) -> int:
        """What is held."""
        return min(self._sum, MOST)

    def wait_us(self, meter: Concurrency, amount: int, at: Moment) -> int:
        """0 where it fits, else a while."""
        return 0 if self._sum + amount <= meter.limit else ASK_AGAIN_US

    def take(self, meter: Concurrency, amount: int, at: Moment) -> int:
        """Hold more."""
        self._sum += amount
        return 0

    def correct(self, place: int, change: int) -> None:
        """Hold less."""
        self._sum += change

    def idle(self, at: Moment) -> bool:
        """Whether nothing is held."""
        return self._sum == 0


@final
class Spending:
    """Counts what was spent of an allowance, beginning with what was spent before."""

    __slots__ = ("_gone_us", "_spent")

    def __init__(self, spent: int) -> None:
        self._spent = spent
        self._gone_us = 0

    def used(self, meter: Allowance, at: Moment) -> int:
        """What is spent and reserved."""
        return self._spent

    def wait_us(self, meter: Allowance, amount: int, at: Moment) -> int:
        """0 where it fits, else the time to the end of the period."""
        return 0 if self._spent + amount <= meter.limit else max(1, meter.ends_us - at.wall_us)

    def take(self, meter: Allowance, amount: int, at: Moment) -> int:
        """Spend."""
        self.correct(0, amount)
        self.keep(meter.ends_us, at)
        return 0

    def correct(self, place: int, change: int) -> None:
        """Spend more or less."""
        self._spent = min(max(0, self._spent + change), MOST)

    def keep(self, ends_us: int, at: Moment) -> None:
        """Stay for as long as an allowance with this end is to be kept from now."""
        self._gone_us = at.now_us + lifetime_us(ends_us, at.wall_us)

    def idle(self, at: Moment) -> bool:
        """Whether its time is over."""
        return self._gone_us <= at.now_us


def lifetime_us(ends_us: int, wall_us: int) -> int:
    """How long an allowance is kept after its last use: to its end and a day, whatever the clocks say then."""
    return min(max(0, ends_us - wall_us), _LONGEST_US) + _DAY_US
