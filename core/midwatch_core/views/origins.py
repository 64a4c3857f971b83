"""Where decoded code points came from: one small map a way of encoding, each with `span` as `Offsets` has it."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Origin(Protocol):
    """The way from a made text back to its source."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the source that [start, end) was made from; for an empty span, an empty one."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """One code point stands for one, from `start` on."""

    start: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """As `Origin` has it."""
        return self.start + start, self.start + max(start, end)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Written backwards: the first code point stands for the last one before `end`."""

    end: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """As `Origin` has it."""
        return self.end - max(start, end), self.end - start


@dataclass(frozen=True, slots=True)
class Located:
    """The code point at n was made from [starts[n], ends[n]) of the source."""

    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """As `Origin` has it."""
        if end <= start:
            at = self.starts[start] if start < len(self.starts) else self.ends[-1]
            return at, at
        return self.starts[start], self.ends[end - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strided:
    """Bytes written in groups of one size: `unit` bytes as `width` code points, the next group `step` further on.

    Base64 has unit 3 and step 4, `%41` unit 1 and step 3. `text` is what the bytes say in `encoding`; `end` is where
    the last group, which may be short, is over.
    """

    text: str
    encoding: str
    start: int
    end: int
    unit: int
    step: int
    width: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """As `Origin` has it."""
        first = self.start + self._bytes(start) // self.unit * self.step
        if end <= start:
            at = min(first, self.end)
            return at, at
        last = self.start + (self._bytes(end) - 1) // self.unit * self.step
        return first, min(last + self.width, self.end)

    def _bytes(self, at: int) -> int:
        """How many bytes the code points before `at` are."""
        if self.encoding == "utf-8" and self.text.isascii():
            return at
        errors = "surrogateescape" if self.encoding == "utf-8" else "surrogatepass"
        return len(self.text[:at].encode(self.encoding, errors))


@dataclass(frozen=True, slots=True)
class Through:
    """One map, then another."""

    inner: Origin
    outer: Origin

    def span(self, start: int, end: int) -> tuple[int, int]:
        """As `Origin` has it."""
        return self.outer.span(*self.inner.span(start, end))


class Later:
    """A map that is made when first asked for: most texts have no finding."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Origin]) -> None:
        self._make = make
        self._made: Origin | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """As `Origin` has it."""
        if self._made is None:
            self._made = self._make()
        return self._made.span(start, end)


class Piece(NamedTuple):
    """A stretch of decoded text and where it came from."""

    text: str
    origin: Origin


class Joined:
    """Pieces one after another, in the order of their sources, as one `text` with `between` between them."""

    __slots__ = ("_pieces", "_starts", "text")

    def __init__(self, pieces: Sequence[Piece], between: str) -> None:
        self._pieces = pieces
        self._starts = array("Q")
        at = 0
        for piece in pieces:
            self._starts.append(at)
            at += len(piece.text) + len(between)
        self.text = between.join(piece.text for piece in pieces)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The smallest stretch that holds all sources; what stands between two pieces was made from nothing."""
        first, low = self._place(start)
        if low >= len(self._pieces[first].text) and first + 1 < len(self._pieces):
            first, low = first + 1, 0
        last, high = self._place(max(end - 1, 0))
        high = min(high + 1, len(self._pieces[last].text))
        if end <= start or last < first:
            at = self._pieces[first].origin.span(low, low)[0]
            return at, at
        return self._covering(first, low, last, high)

    def _place(self, at: int) -> tuple[int, int]:
        index = max(bisect_right(self._starts, at) - 1, 0)
        return index, at - self._starts[index]

    def _covering(self, first: int, low: int, last: int, high: int) -> tuple[int, int]:
        if first == last:
            return self._pieces[first].origin.span(low, high)
        head = self._pieces[first].origin.span(low, len(self._pieces[first].text))
        tail = self._pieces[last].origin.span(0, high)
        return min(head[0], tail[0]), max(head[1], tail[1])
