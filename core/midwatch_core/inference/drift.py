"""Whether a model's scores still look as they did when it was calibrated: the population stability index.

PSI is the sum over classes of `(actual - expected) * ln(actual / expected)`, both as shares. As a rule of thumb, below
0.1 nothing has changed, above 0.25 much has. Source: B. Yurdakul, "Statistical Properties of Population Stability
Index", 2018, https://scholarworks.wmich.edu/dissertations/3208/.
"""

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence

BINS = 10
# An empty class has no logarithm: it is taken for a share that hardly counts.
_LEAST_SHARE = 1e-4


def psi(expected: Sequence[float], actual: Sequence[int]) -> float:
    """The index of counts against expected shares, class by class; 0 where nothing was counted.

    Raises ValueError where they are not of one length, or nothing is expected.
    """
    hoped, seen = sum(expected), sum(actual)
    if len(expected) != len(actual) or hoped <= 0:
        raise ValueError(f"{len(actual)} counts against {len(expected)} shares that come to {hoped:g}")
    if not seen:
        return 0.0
    pairs = (
        (max(share / hoped, _LEAST_SHARE), max(count / seen, _LEAST_SHARE))
        for share, count in zip(expected, actual, strict=True)
    )
    return math.fsum((now - then) * math.log(now / then) for then, now in pairs)


def shares_of(scores: Iterable[float], bins: int = BINS) -> tuple[float, ...]:
    """The shares of scores between 0 and 1 in so many classes of one width, as `ScoreWindow` expects them."""
    counts = Counter(bin_of(score, bins) for score in scores)
    total = counts.total() or 1
    return tuple(counts[index] / total for index in range(bins))


def bin_of(score: float, bins: int = BINS) -> int:
    """The class of a score; those outside of 0 to 1 are in the outermost."""
    return min(max(int(score * bins), 0), bins - 1)


class ScoreWindow:
    """The newest scores of a model, held against the shares that its calibration set had.

    Nothing is said before `least` scores: few of them look like drift by chance.
    """

    def __init__(self, expected: Sequence[float], *, most: int = 2_000, least: int = 200) -> None:
        self._expected = tuple(expected)
        self._least = least
        self._bins: deque[int] = deque(maxlen=most)
        self._counts = [0] * len(self._expected)

    def __len__(self) -> int:
        """How many scores are in it."""
        return len(self._bins)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many of them are in each class."""
        return tuple(self._counts)

    def add(self, score: float) -> None:
        """One more; the oldest leaves where it is full. A score that is no number is left out."""
        if not math.isfinite(score):
            return
        if len(self._bins) == self._bins.maxlen:
            self._counts[self._bins[0]] -= 1
        self._bins.append(bin_of(score, len(self._counts)))
        self._counts[self._bins[-1]] += 1

    def drift(self) -> float | None:
        """PSI now; None while there are too few scores."""
        return psi(self._expected, self._counts) if len(self._bins) >= self._least else None
