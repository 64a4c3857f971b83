"""What is encoded inside a text: found, decoded and decoded once more, within bounds, one view a way of encoding.

All that one encoding hides in a text is one view, its pieces a blank line apart: a text has a handful of views however
much it hides, and a sentence hidden in two pieces is whole again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import re2

from midwatch_core.views.byte_escapes import backslash_x, percent, plus, unicode
from midwatch_core.views.disguises import backwards, leet, rot13
from midwatch_core.views.entities import entities
from midwatch_core.views.morse import MORSE, morse
from midwatch_core.views.normalising import normalise
from midwatch_core.views.origins import Joined, Piece
from midwatch_core.views.runs import GROUPS, base64, groups, hexadecimal
from midwatch_core.views.spelled import SPELLED, spelled
from midwatch_core.views.subject import Subject
from midwatch_core.views.view import View

LAYERS = 2
SHORTEST = 8
# Decoded code points of all views for one of the text, and what a short text may have besides; pieces a view.
MOST_TIMES = 2
MOST_BESIDES = 1 << 12
MOST_PIECES = 1 << 12
_BETWEEN = "\n\n"

type _Decoder = Callable[[Subject], Iterable[Piece]]

_ALWAYS: tuple[tuple[str, _Decoder], ...] = (
    ("base64", base64),
    ("hex", hexadecimal),
    ("url", percent),
    ("url", plus),
    ("html", entities),
    ("unicode", unicode),
    ("hex", backslash_x),
)
# What has nothing but its letters to be known by. One search tells that none of them is there.
_IF_TELLING: tuple[tuple[str, _Decoder], ...] = (
    ("hex", groups),
    ("spelled", spelled),
    ("morse", morse),
    ("rot13", rot13),
    ("reversed", backwards),
    ("leet", leet),
)
_OWN_INVERSE = frozenset({"rot13", "reversed"})
_TELLING = re2.compile(
    "|".join(
        f"(?:{pattern})" for pattern in (GROUPS, SPELLED, MORSE, *(d.telling.pattern for d in (rot13, backwards, leet)))
    )
)


class Decoded(NamedTuple):
    """The views, and whether a bound kept some of what is encoded out of them."""

    views: tuple[View, ...]
    cut: bool


_NOTHING = Decoded((), False)


def decode(view: View, hidden: Sequence[View] = ()) -> Decoded:
    """What is encoded in a view, two layers deep; `hidden` views count as decoded once. Linear time and memory."""
    if len(view.text) < SHORTEST and not hidden:
        return _NOTHING
    layer = [view, *hidden]
    walk = _Walk(MOST_BESIDES + MOST_TIMES * sum(len(source.text) for source in layer))
    walk.views.extend(hidden)
    walk.seen.update(source.text for source in layer)
    for _ in range(LAYERS):
        layer = [made for source in layer for made in walk.inside(source)]
        if not layer:
            break
    return Decoded(tuple(walk.views), walk.cut)


class _Walk:
    """The views made so far, and how many more code points there may be."""

    def __init__(self, room: int) -> None:
        self.views: list[View] = []
        self.seen: set[str] = set()
        self.cut = False
        self._room = room

    def inside(self, source: View) -> Iterator[View]:
        """What one view hides, a view a way of encoding. The same text is not made twice."""
        subject = Subject(source.text)
        for name, decoder in _decoders(subject):
            if self._room <= 0:
                self.cut = True
                return
            if name in _OWN_INVERSE and source.how.endswith(name):
                continue
            pieces = self._bounded(decoder(subject))
            if not pieces:
                continue
            view = _view(pieces, name, source)
            if view.text not in self.seen:
                self.seen.add(view.text)
                self.views.append(view)
                yield view

    def _bounded(self, found: Iterable[Piece]) -> list[Piece]:
        pieces: list[Piece] = []
        for piece in islice(found, MOST_PIECES + 1):
            if len(pieces) == MOST_PIECES or self._room <= 0:
                self.cut = True
                break
            self.cut = self.cut or len(piece.text) > self._room
            pieces.append(Piece(piece.text[: self._room], piece.origin))
            self._room -= len(piece.text) + len(_BETWEEN)
        return pieces


def _decoders(subject: Subject) -> Iterator[tuple[str, _Decoder]]:
    yield from _ALWAYS
    if _TELLING.search(subject.raw):
        yield from _IF_TELLING


def _view(pieces: list[Piece], name: str, source: View) -> View:
    """The pieces as one text, normalised."""
    joined = Joined(pieces, _BETWEEN)
    how = name if source.how in ("original", "normalised") else f"{source.how}+{name}"
    decoded = View(joined.text, how, joined, source)
    made = normalise(joined.text)
    return decoded if made.text == joined.text else View(made.text, how, made.offsets, decoded)
