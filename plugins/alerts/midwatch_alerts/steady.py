"""Steady time: seconds since the epoch that do not jump when the clock is set."""

from dataclasses import dataclass

from midwatch_core import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyTime:
    """The time of day as it was when this was made, and from there on what has passed since."""

    clock: Clock
    offset_s: float

    @classmethod
    def of(cls, clock: Clock) -> "SteadyTime":
        """Begin with the clock's time of day."""
        return cls(clock=clock, offset_s=clock.now().timestamp() - clock.monotonic())

    def now_s(self) -> float:
        """Seconds since the epoch."""
        return self.offset_s + self.clock.monotonic()
