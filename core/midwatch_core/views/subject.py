"""What the decoders read: a text, its ASCII, and its long runs of letters and digits, found once for all of them."""

import re
import string
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice, pairwise
from typing import NamedTuple

from midwatch_core.views.beginnings import SHORTEST_RUN, promising
from midwatch_core.views.offsets import Offsets
from midwatch_core.views.origins import Origin, Shifted, Through

_NEEDLE = b"a" * SHORTEST_RUN
_STRETCH = re.compile(rb"a++")
_PADDING = re.compile(rb"={0,2}")
# Ends of lines, also as JSON in a text writes them, with a quotation's marks.
_BREAK = re.compile(rb"(?:\r?\n|(?:\\r)?\\n)[ \t>]{0,16}")
_LINE_END = re.compile(rb"[ \t]*+(?:[\r\n\"'`<\\]|\Z)")
_SEAM = re.compile(rb"[-_/]++")
# Of a path or a name, so many parts are looked at.
_PARTS = 16


def _classes(letters: str) -> bytes:
    inside = frozenset(letters.encode())
    return bytes(ord("a") if byte in inside else ord(".") for byte in range(256))


_SOLID = _classes(string.ascii_letters + string.digits + "+")
_LOOSE = _classes(string.ascii_letters + string.digits + "+/-_")


class Run(NamedTuple):
    """A run as one line, and where its characters are in the text. `end` counts a padding with it."""

    data: bytes
    origin: Origin
    end: int


# Ways to read the same stretch of the text, the likeliest first: as one run, or as several.
type Readings = tuple[tuple[Run, ...], ...]


class Subject:
    """A text to decode. `raw` has a byte for each code point, `?` for what is not ASCII."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw = text.encode("ascii", "replace")

    @cached_property
    def runs(self) -> tuple[Readings, ...]:
        """Long runs that begin as text does in base64 or hexadecimal; those broken over lines are one."""
        return tuple(filter(None, self._runs()))

    @cached_property
    def _solid(self) -> bytes:
        return self.raw.translate(_SOLID)

    def _runs(self) -> Iterator[Readings]:
        raw, classes = self.raw, self.raw.translate(_LOOSE)
        at = classes.find(_NEEDLE)
        while at >= 0:
            end = _stretch(classes, at)
            if promising(raw, at, end):
                lines = _lines(raw, classes, at, end)
                end = lines[-1][1]
                yield self._wrapped(lines) if len(lines) > 1 else ((_run(raw, at, end),), *self._parts(at, end))
            elif seam := _SEAM.search(raw, at, end):
                yield self._parts(at, end, seam.end())
            at = classes.find(_NEEDLE, end)

    def _wrapped(self, lines: list[tuple[int, int]]) -> Readings:
        return (_joined(self.raw, lines),), self._promising(lines)

    def _parts(self, start: int, end: int, tail: int = 0) -> Readings:
        """What may be read in a path, or behind a name: all behind the first seam (`tail`), or the parts."""
        readings: list[tuple[Run, ...]] = []
        if tail and promising(self.raw, tail, end):
            readings.append((_run(self.raw, tail, end),))
        if end - start > 2 * SHORTEST_RUN:
            readings.append(self._promising(islice(self._between_seams(start, end), _PARTS)))
        return tuple(filter(None, readings))

    def _between_seams(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        at = self._solid.find(_NEEDLE, start, end)
        while at >= 0:
            stop = min(_stretch(self._solid, at), end)
            if stop - at < end - start:
                yield at, stop
            at = self._solid.find(_NEEDLE, stop, end)

    def _promising(self, places: Iterable[tuple[int, int]]) -> tuple[Run, ...]:
        return tuple(_run(self.raw, start, end) for start, end in places if promising(self.raw, start, end))


def _run(raw: bytes, start: int, end: int) -> Run:
    return Run(raw[start:end], Shifted(start), _end(raw, end) - start)


def _joined(raw: bytes, lines: list[tuple[int, int]]) -> Run:
    start = lines[0][0]
    offsets, length = Offsets(), 0
    for (first, last), (following, _) in pairwise(lines):
        length += last - first
        offsets.put(length, 0, last - start, following - last)
    data = b"".join(raw[first:last] for first, last in lines)
    padding = _end(raw, lines[-1][1]) - lines[-1][1]
    return Run(data, Through(offsets, Shifted(start)), len(data) + padding)


def _end(raw: bytes, end: int) -> int:
    """Where the padding behind a run is over."""
    found = _PADDING.match(raw, end)
    return found.end() if found else end


def _lines(raw: bytes, classes: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """A run and the lines that go on with it: as long as the first, the last one shorter."""
    lines = [(start, end)]
    width = end - start
    while lines[-1][1] - lines[-1][0] == width and (gap := _BREAK.match(raw, lines[-1][1])):
        end = _stretch(classes, gap.end())
        if end - gap.end() != width and not _closes(raw, lines, gap.end(), end):
            break
        lines.append((gap.end(), end))
    return lines


def _closes(raw: bytes, lines: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a shorter line is the last of a run, not a word behind it: it fills up base64's groups, or its line."""
    width = lines[0][1] - lines[0][0]
    if not 0 < end - start < width:
        return False
    padded = _end(raw, end)
    return (width * len(lines) + padded - start) % 4 == 0 or _LINE_END.match(raw, padded) is not None


def _stretch(classes: bytes, start: int) -> int:
    found = _STRETCH.match(classes, start)
    return found.end() if found else start
