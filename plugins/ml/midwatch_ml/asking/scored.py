"""What a model said of a text: its highest window."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from midwatch_core import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """`shares` are probabilities, one a head, of the window that is likeliest an injection.

    `start` and `end` are code points of the text that was sent, `windows` how many it was read in; `whole`: nothing of
    it was left unread.
    """

    shares: tuple[float, ...]
    start: int
    end: int
    windows: int
    whole: bool

    @property
    def injection(self) -> float:
        """How likely it is an injection."""
        return self.shares[0]


def read_answer(answer: Json, heads: int) -> Scored | None:
    """From what `loading` gives; None for a text without a token. Raises ValueError for anything else."""
    windows = answer.get("windows") if isinstance(answer, dict) else None
    skipped = answer.get("skipped") if isinstance(answer, dict) else None
    if not isinstance(windows, list) or not isinstance(skipped, int):
        raise ValueError("its answer has no windows")
    read = list(_windows(windows, heads))
    if not read:
        return None
    start, end, shares = max(read, key=lambda window: window[2][0])
    return Scored(shares=shares, start=start, end=end, windows=len(read), whole=not skipped)


def _windows(windows: Sequence[Json], heads: int) -> Iterator[tuple[int, int, tuple[float, ...]]]:
    for window in windows:
        if not isinstance(window, list) or len(window) != 2 + heads:
            raise ValueError(f"a window of its answer has not {heads} probabilities")
        start, end, *shares = window
        if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end:
            raise ValueError("a window of its answer is no stretch of a text")
        yield start, end, tuple(_share(value) for value in shares)


def _share(value: Json) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise ValueError(f"{value!r:.40} is no probability")
    return float(value)
