"""A span of time cut into what kept sums know, whole days and hours, and the ragged ends that only exchanges know."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

HOUR_US = 3_600_000_000
HOURS_A_DAY = 24


class Grain(Enum):
    """What a piece of a span is counted in: microseconds, hours or days since 1970 UTC."""

    MOMENT = "started_at"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` up to, not including, `end`; None is without end."""

    grain: Grain
    first: int | None
    end: int | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.first is not None and self.end is not None and self.first >= self.end


def cut(since_us: int | None, until_us: int | None, *, finest: Grain) -> list[Span]:
    """The pieces of a span, as large as they may be: no larger than `finest` tells apart, HOUR or DAY."""
    whole = Span(Grain.HOUR, *_inside(since_us, until_us, HOUR_US))
    if whole.is_empty:
        pieces = [Span(Grain.MOMENT, since_us, until_us)]
    else:
        ends = _around(Span(Grain.MOMENT, since_us, until_us), whole, HOUR_US)
        pieces = [*ends, *(_days(whole) if finest is Grain.DAY else [whole])]
    return [piece for piece in pieces if not piece.is_empty]


def _days(hours: Span) -> Iterator[Span]:
    whole = Span(Grain.DAY, *_inside(hours.first, hours.end, HOURS_A_DAY))
    if whole.is_empty:
        yield hours
    else:
        yield whole
        yield from _around(hours, whole, HOURS_A_DAY)


def _inside(first: int | None, end: int | None, size: int) -> tuple[int | None, int | None]:
    """The units of this size that lie in it whole."""
    return (None if first is None else -(-first // size), None if end is None else end // size)


def _around(outer: Span, inner: Span, size: int) -> Iterator[Span]:
    """What is left of the outer span before and after the inner one."""
    if outer.first is not None and inner.first is not None:
        yield Span(outer.grain, outer.first, inner.first * size)
    if outer.end is not None and inner.end is not None:
        yield Span(outer.grain, inner.end * size, outer.end)
