"""Words that announce personal data, found in one pass over a text."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import re2

from midwatch_pii.spans import spans

# Scripts that write words without spaces between them: Han, kana, Hangul, Thai.
_UNSPACED = re2.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]")
_SHORT = 4
# Short, and in no other words: they are found in `userSsn` too.
_RARE = frozenset({"ssn", "iban", "bsn", "cpf", "curp", "dob"})


class Labels:
    """Finds the labels of all recognisers at once: case does not count, `camelCase` and `snake_case` do."""

    def __init__(self, owners: Mapping[str, Iterable[int]]) -> None:
        """`owners` are the recognisers (by number) that a lower-case word announces."""
        self._owners: dict[str, set[int]] = {}
        for word, numbers in owners.items():
            self._owners.setdefault(_squeezed(word), set()).update(numbers)
        self._unspaced = frozenset(word for word in self._owners if _UNSPACED.search(word))
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        words = sorted(owners, key=lambda word: (-len(word), word))
        self._pattern = re2.compile("|".join(_spelt(word) for word in words), options) if words else None

    def find(self, text: str) -> "dict[int, Places]":
        """Where labels stand, by the recogniser they announce."""
        places: dict[int, Places] = {}
        if self._pattern is None:
            return places
        for start, end in spans(self._pattern, text):
            word = _squeezed(text[start:end])
            if word not in self._unspaced and not _bounded(text, start, end):
                continue
            for number in self._owners.get(word, ()):
                places.setdefault(number, Places()).add(start, end)
        return places


class Places:
    """Where the labels of one recogniser stand, in order."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Add a label behind the last one."""
        self._starts.append(start)
        self._ends.append(end)

    def announce(self, start: int, end: int, within: int, before: int) -> bool:
        """Whether a label ends at most `within` before `start`, or begins at most `before` behind `end`."""
        at = bisect_left(self._ends, start - within)
        if at < len(self._ends) and self._ends[at] <= start:
            return True
        at = bisect_left(self._starts, end)
        return bool(before) and at < len(self._starts) and self._starts[at] <= end + before

    def windows(self, within: int, before: int) -> list[tuple[int, int]]:
        """The stretches in which a value may begin, merged: many labels cost no more than one."""
        merged: list[tuple[int, int]] = []
        for start, end in zip(self._starts, self._ends, strict=True):
            first = max(0, start - before - 30) if before else end
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], end + within)
            else:
                merged.append((first, end + within))
        return merged


def _spelt(word: str) -> str:
    """A label as a pattern: a space may be an underscore, a hyphen or nothing (`card_number`, `cardNumber`).

    Short labels are parts of many words: they must stand alone for the pattern already.
    """
    spelt = r"[ _-]?".join(re2.escape(part) for part in word.split(" "))
    return rf"(?:\b|_){spelt}(?:\b|_)" if len(word) <= _SHORT and word.isascii() and word not in _RARE else spelt


def _squeezed(word: str) -> str:
    """A label without what may stand between its parts."""
    return word.lower().replace(" ", "").replace("_", "").replace("-", "")


def _bounded(text: str, start: int, end: int) -> bool:
    """Whether a label is a word of its own, or one of a camel-cased name."""
    if start and text[start - 1].isalpha() and not (text[start - 1].islower() and text[start].isupper()):
        return False
    if end < len(text) and text[end].isalpha():
        return text[end - 1].islower() and text[end].isupper()
    return True
