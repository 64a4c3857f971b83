"""Normalising one letter with all that is written onto it or hidden behind it."""

import unicodedata
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from midwatch_core.views.kinds import KINDS, Kind, rewritten

# Marks looked at behind one letter, and those left there: the deepest stacks of real writing have four.
_MARKS_READ = 8
_MARKS_LEFT = 4
# Longer ones are hostile and not worth remembering.
_REMEMBERED = 12


class Cluster(NamedTuple):
    """What the first `used` code points of a cluster become; the rest is dropped.

    `uncovered`: more than the spelling changed, something hidden or heaped up was taken away.
    """

    text: str
    used: int
    uncovered: bool


def cluster(source: str) -> Cluster:
    """A letter and the marks, selectors and hidden code points behind it, normalised."""
    return _remembered(source) if len(source) <= _REMEMBERED else _made(source)


def _made(source: str) -> Cluster:
    kinds = [KINDS[char] for char in source]
    letter = "" if kinds[0] >= Kind.SELECTOR else rewritten(source[0])
    marks = "".join(compress(source[1:], [kind == Kind.MARK for kind in kinds[1:]]))
    hidden = Kind.HIDDEN in kinds
    if not marks:
        return Cluster(letter, 1, hidden)
    text, heaped = _marked(letter, marks)
    return Cluster(text, len(source), hidden or heaped)


def _marked(letter: str, marks: str) -> tuple[str, bool]:
    """A letter with its marks, as far as they compose or belong to it; whether any were taken away."""
    whole = unicodedata.normalize("NFKC", letter + marks[:_MARKS_READ])
    left = len(whole) - len(letter)
    plain = unicodedata.normalize("NFD", letter)[:1]
    if left > 0 and plain.isascii() and plain.isalnum():
        return plain, True
    return whole[: len(letter) + _MARKS_LEFT], left > _MARKS_LEFT


_remembered = lru_cache(maxsize=1 << 14)(_made)
