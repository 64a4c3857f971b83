"""Where a stretch of a rewritten text came from: a monotone map that stores only the places that changed length."""

from array import array
from bisect import bisect_right


class Offsets:
    """Maps spans of a rewritten text to its source. All offsets are code points, ends exclusive.

    Blocks say that [v0, v1) of the rewritten text was made from [o0, o1) of the source; between blocks, one code
    point stands for one. A block with v0 == v1 was removed.
    """

    __slots__ = ("_o0", "_o1", "_v0", "_v1")

    def __init__(self) -> None:
        self._v0, self._v1, self._o0, self._o1 = array("Q"), array("Q"), array("Q"), array("Q")

    def __len__(self) -> int:
        """How many blocks there are."""
        return len(self._v0)

    def put(self, at: int, length: int, source: int, source_length: int) -> None:
        """Say that `length` code points at `at` were made from `source_length` at `source`. They come in order."""
        if length == source_length == 1:
            return
        self._v0.append(at)
        self._v1.append(at + length)
        self._o0.append(source)
        self._o1.append(source + source_length)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the source that [start, end) was made from; for an empty span, an empty one."""
        first = self._start(start)
        return (first, first) if end <= start else (first, self._end(end))

    def _start(self, at: int) -> int:
        index = bisect_right(self._v0, at) - 1
        if index < 0:
            return at
        return self._o0[index] if at < self._v1[index] else self._o1[index] + at - self._v1[index]

    def _end(self, end: int) -> int:
        index = bisect_right(self._v0, end - 1) - 1
        if index < 0:
            return end
        return self._o1[index] if end <= self._v1[index] else self._o1[index] + end - self._v1[index]
