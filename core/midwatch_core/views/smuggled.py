"""What is written in code points that nothing draws: tag characters for ASCII, variation selectors for bytes."""

import re
from collections.abc import Callable

from midwatch_core.views.origins import Joined, Piece, Shifted, Strided, Through
from midwatch_core.views.plausible import words
from midwatch_core.views.view import View

# A flag's tags are six at most.
_TAGS = re.compile("[\U000e0020-\U000e007e]{7,}+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{10,}+")
_LOW, _HIGH = 0xFE00, 0xE0100
_TAG_ZERO = 0xE0000
_BETWEEN = "\n\n"


def smuggled(text: str) -> tuple[View, ...]:
    """The views of a text that show what is written in it invisibly."""
    found = ((how, [piece for run in runs.finditer(text) if (piece := read(run))]) for how, runs, read in _WAYS)
    views = ((how, Joined(pieces, _BETWEEN)) for how, pieces in found if pieces)
    return tuple(View(joined.text, how, joined) for how, joined in views)


def _tags(run: re.Match[str]) -> Piece:
    return Piece("".join(chr(ord(char) - _TAG_ZERO) for char in run[0]), Shifted(run.start()))


def _selectors(run: re.Match[str]) -> Piece | None:
    said = words(bytes(_byte(ord(char)) for char in run[0]))
    if said is None:
        return None
    length = len(run[0])
    strided = Strided(text=said.text, encoding=said.encoding, start=0, end=length, unit=1, step=1, width=1)
    return Piece(said.text, Through(strided, Shifted(run.start())))


def _byte(point: int) -> int:
    return point - _LOW if point < _HIGH else point - _HIGH + 16


_WAYS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Piece | None]], ...] = (
    ("tags", _TAGS, _tags),
    ("selectors", _SELECTORS, _selectors),
)
