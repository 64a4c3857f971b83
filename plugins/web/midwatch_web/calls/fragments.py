"""A text as fragments: pieces of the original with their offsets, and what the page adds between them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """Characters to show. `start` is their offset in the original (code points); None for white space we added.

    `marks` are the numbers of the spans that cover the fragment, `begins` of those that begin with it.
    """

    text: str
    start: int | None = None
    marks: tuple[int, ...] = ()
    begins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters `start` to `end` (exclusive) of the original, and a number to tell the span by."""

    number: int
    start: int
    end: int


def mark(fragments: Iterable[Fragment], spans: Sequence[Span]) -> Iterator[Fragment]:
    """The fragments cut at the spans' borders, each with the spans that cover it. Spans may overlap and nest."""
    if not spans:
        yield from fragments
        return
    borders, covering = _intervals(spans)
    begun: set[int] = set()
    for fragment in fragments:
        if fragment.start is None:
            yield fragment
            continue
        for piece in _cut(fragment, fragment.start, borders):
            marks = covering[bisect_right(borders, piece.start or 0)]
            begins = tuple(number for number in marks if number not in begun)
            begun.update(begins)
            yield Fragment(text=piece.text, start=piece.start, marks=marks, begins=begins)


def _intervals(spans: Sequence[Span]) -> tuple[list[int], list[tuple[int, ...]]]:
    """The borders of all spans in order, and which spans cover each interval that ends at a border (or at the end)."""
    starting: dict[int, set[int]] = {}
    ending: dict[int, set[int]] = {}
    for span in spans:
        starting.setdefault(span.start, set()).add(span.number)
        ending.setdefault(span.end, set()).add(span.number)
    borders = sorted({*starting, *ending})
    covering: list[tuple[int, ...]] = [()]
    active: set[int] = set()
    for border in borders:
        active = active - ending.get(border, set()) | starting.get(border, set())
        covering.append(tuple(sorted(active)))
    return borders, covering


def _cut(fragment: Fragment, start: int, borders: Sequence[int]) -> Iterator[Fragment]:
    place = start
    for border in borders[bisect_right(borders, start) :]:
        if border >= start + len(fragment.text):
            break
        yield Fragment(text=fragment.text[place - start : border - start], start=place)
        place = border
    yield Fragment(text=fragment.text[place - start :], start=place)


def split(fragments: Iterable[Fragment], at: int) -> tuple[list[Fragment], list[Fragment]]:
    """The first `at` characters to show, and the rest."""
    head: list[Fragment] = []
    rest: list[Fragment] = []
    room = at
    for fragment in fragments:
        if room >= len(fragment.text):
            head.append(fragment)
        elif room <= 0:
            rest.append(fragment)
        else:
            start, text = fragment.start, fragment.text
            after = None if start is None else start + room
            head.append(Fragment(text=text[:room], start=start, marks=fragment.marks, begins=fragment.begins))
            rest.append(Fragment(text=text[room:], start=after, marks=fragment.marks))
        room -= len(fragment.text)
    return head, rest
