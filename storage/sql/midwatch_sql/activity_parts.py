"""A call's part in the counts of activity, from its columns: in Python as it comes and goes, in SQL where it stays."""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from midwatch_core import TTFT_BOUNDS_MS, TTFT_CLASSES

# The columns that it follows from.
FACTS = ("failed", "action", "findings", "ttft_ms")
# The columns of kept sums, and what each is among exchanges. No finding at all is an empty JSON array.
REFUSED = "action IN ('cut', 'block')"
FLAGGED = "findings != '[]'"
COLUMNS = ("errors", "refused", "flagged", *(f"t{number}" for number in range(TTFT_CLASSES)))
_REFUSING = frozenset({"cut", "block"})
_NO_CLASS = (0,) * TTFT_CLASSES


def part_of(facts: Mapping[str, Any]) -> tuple[int, ...]:
    """What one exchange adds to each of COLUMNS."""
    counts = int(facts["failed"]), int(facts["action"] in _REFUSING), int(facts["findings"] != "[]")
    ttft_ms = facts["ttft_ms"]
    if ttft_ms is None:
        return *counts, *_NO_CLASS
    place = bisect_left(TTFT_BOUNDS_MS, ttft_ms)
    return *counts, *_NO_CLASS[:place], 1, *_NO_CLASS[place + 1 :]


def of_exchanges() -> tuple[str, ...]:
    """Each of COLUMNS as an aggregate over exchanges."""
    bounds = [f"{bound!r}" for bound in TTFT_BOUNDS_MS]
    classes = (
        f"ttft_ms <= {bounds[0]}",
        *(f"ttft_ms > {low} AND ttft_ms <= {high}" for low, high in pairwise(bounds)),
        f"ttft_ms > {bounds[-1]}",
    )
    return tuple(f"count(*) FILTER (WHERE {what})" for what in ("failed", REFUSED, FLAGGED, *classes))
