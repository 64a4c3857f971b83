"""A text that may be recited: where another text repeats a long stretch of it, word for word, in linear time."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

# A letter of a script without spaces is a word of its own.
_ALONE = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{_ALONE}]|[^\\W{_ALONE}]+")
# A stretch of ANCHOR + STEP - 1 words holds an anchor, wherever it begins.
_ANCHOR = 8
_STEP = 4


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text: a hash of each, and where it stands."""

    hashes: "array[int]"
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Words in a row that both texts have; `start` and `end` are code points of the reciting text."""

    words: int
    start: int
    end: int


def words_of(text: str) -> Words:
    """The words of a text, case and punctuation aside."""
    hashes: array[int] = array("q")
    spans = []
    for match in _WORD.finditer(text):
        hashes.append(hash(match[0].casefold()))
        spans.append(match.span())
    return Words(hashes, spans)


class Recited:
    """The words of the text that may be recited, with anchors (every fourth run of eight) to find them by."""

    def __init__(self, text: str) -> None:
        self._words = words_of(text).hashes
        self._anchors: dict[bytes, int] = {}
        for at in range(0, len(self._words) - _ANCHOR + 1, _STEP):
            self._anchors.setdefault(self._words[at : at + _ANCHOR].tobytes(), at)

    def stretches(self, words: Words, at_least: int) -> Iterator[Stretch]:
        """The stretches of `at_least` words (no fewer than 12) that `words` repeats, from first to last."""
        here, floor = 0, 0
        while here + _ANCHOR <= len(words.hashes):
            there = self._anchors.get(words.hashes[here : here + _ANCHOR].tobytes())
            if there is None:
                here += 1
                continue
            first, end = self._extent(words.hashes, here, there, floor)
            if end - first >= at_least:
                yield Stretch(words=end - first, start=words.spans[first][0], end=words.spans[end - 1][1])
            here = floor = end

    def _extent(self, hashes: "array[int]", here: int, there: int, floor: int) -> tuple[int, int]:
        """How far the same words go on both sides of an anchor; every word is passed once."""
        first = here
        while first > floor and there > 0 and hashes[first - 1] == self._words[there - 1] and here - first < _STEP:
            first, there = first - 1, there - 1
        end = first
        while end < len(hashes) and there < len(self._words) and hashes[end] == self._words[there]:
            end, there = end + 1, there + 1
        return first, end
