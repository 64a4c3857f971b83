"""Times between chunks, kept as counts in buckets that grow by a fifth: bounded, whatever the stream's length."""

import math

from midwatch_core.model.timing import Gaps

_LOG_GROWTH = math.log(1.2)
# Below a hundredth of a millisecond two chunks came in one read.
_FLOOR_MS = 0.01


class GapMeter:
    """Feed it the moments of chunks; read the distribution of the gaps between them."""

    __slots__ = ("_buckets", "_count", "_last_s", "_max_ms", "_sum_ms")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._count = 0
        self._sum_ms = 0.0
        self._max_ms = 0.0
        self._last_s: float | None = None

    def tick(self, at_s: float) -> None:
        """A chunk came at `at_s` (monotonic seconds)."""
        last, self._last_s = self._last_s, at_s
        if last is None:
            return
        gap_ms = (at_s - last) * 1000
        self._count += 1
        self._sum_ms += gap_ms
        self._max_ms = max(self._max_ms, gap_ms)
        bucket = int(math.log(max(gap_ms, _FLOOR_MS) / _FLOOR_MS) / _LOG_GROWTH)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def read(self) -> Gaps | None:
        """The distribution, or None where there were fewer than two chunks."""
        if not self._count:
            return None
        return Gaps(
            count=self._count,
            mean_ms=round(self._sum_ms / self._count, 3),
            p50_ms=self._quantile(0.50),
            p95_ms=self._quantile(0.95),
            max_ms=round(self._max_ms, 3),
        )

    def _quantile(self, share: float) -> float:
        wanted, seen = share * self._count, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                middle = _FLOOR_MS * math.exp((bucket + 0.5) * _LOG_GROWTH)
                return round(min(middle, self._max_ms), 3)
        return round(self._max_ms, 3)
