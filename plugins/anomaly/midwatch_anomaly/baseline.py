"""What is usual of one number: its mean and variance, both exponentially weighted, in three cells of an array.

The variance is West's incremental one (https://doi.org/10.1145/359146.359153) with exponential weights, as in
https://fanf2.user.srcf.net/hermes/doc/antiforgery/stats.pdf. What is far off is taken in only as far as an anomaly
begins (winsorised), so that an anomaly does not make itself usual at once, and a new level does after a while.
"""

import math
from array import array

# Cells of one: mean, variance, samples so far.
CELLS = 3
_MEAN, _VARIANCE, _SAMPLES = range(CELLS)
# The first samples are taken in as they are: there is nothing yet to hold them against.
_OPEN = 10
_MOST_SAMPLES = 1e6  # a float of 32 bits counts far enough


def weight_of(half_life: float) -> float:
    """The weight of a new sample, such that `half_life` samples later it has half of that."""
    return float(1.0 - 0.5 ** (1.0 / half_life))


def learn(
    cells: array[float], at: int, sample: float, weight: float, floor: float, limit: float, lower: float | None = None
) -> None:
    """Take in a sample, at most `limit` deviations above the mean, and as many (or `lower`) below it.

    `floor` is the least that a deviation may be. While there are few samples, all weigh the same.
    """
    samples = min(cells[at + _SAMPLES] + 1.0, _MOST_SAMPLES)
    off = sample - cells[at]
    if samples > _OPEN:
        sigma = max(math.sqrt(cells[at + _VARIANCE]), floor)
        off = min(max(off, -(lower or limit) * sigma), limit * sigma)
    weight = max(weight, 1.0 / samples)
    cells[at + _MEAN] += weight * off
    cells[at + _VARIANCE] = (1.0 - weight) * (cells[at + _VARIANCE] + weight * off * off)
    cells[at + _SAMPLES] = samples


def samples(cells: array[float], at: int) -> float:
    """How many samples were taken in."""
    return cells[at + _SAMPLES]


def mean(cells: array[float], at: int) -> float:
    """The mean; 0 before the first sample."""
    return cells[at + _MEAN]


def deviation(cells: array[float], at: int, floor: float) -> float:
    """The standard deviation, at least `floor`: a series that never varied may vary a little."""
    return max(math.sqrt(cells[at + _VARIANCE]), floor)
