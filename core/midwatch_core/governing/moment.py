"""One moment by two clocks: what the counters are told of the time."""

from dataclasses import dataclass

from midwatch_core.clock import Clock

# Microseconds in a second. Counters keep whole microseconds, so that every engine comes to the same sums.
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`now_us` is of a clock that never steps back, `wall_us` counts from 1970; both in microseconds."""

    now_us: int
    wall_us: int


def moment(clock: Clock) -> Moment:
    """What a clock says now."""
    return Moment(now_us=round(clock.monotonic() * MICRO), wall_us=round(clock.now().timestamp() * MICRO))
