"""The time of one call as a bar: waiting for the first token, then the answer."""

from dataclasses import dataclass

from midwatch_core import Timing

# The bar's width in the drawing's own units.
WIDTH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """Widths in units of WIDTH, durations in milliseconds. Without a known first token all is one wait."""

    waiting: int
    answering: int
    waiting_ms: float
    answering_ms: float | None


def waterfall_of(timing: Timing) -> Waterfall | None:
    """The bar of a call; None where its duration is not known."""
    total, first = timing.duration_ms, timing.ttft_ms
    if total is None or total <= 0:
        return None
    if first is None:
        return Waterfall(waiting=WIDTH, answering=0, waiting_ms=total, answering_ms=None)
    first = min(max(first, 0.0), total)
    waiting = round(WIDTH * first / total)
    return Waterfall(waiting=waiting, answering=WIDTH - waiting, waiting_ms=first, answering_ms=total - first)
