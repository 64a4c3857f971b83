"""Whole stretches written in another way, letter for letter: rot13, backwards, digits that look like letters."""

import codecs
import re
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import re2

from midwatch_core.views.origins import Mirrored, Origin, Piece, Shifted
from midwatch_core.views.regions import Region, regions
from midwatch_core.views.subject import Subject

# Words that tell of an attack and are, in disguise, words of no language.
_TELLING = re.findall(
    "[a-z]+",
    "ignore previous instruction instructions disregard forget system prompt reveal password passwords override "
    "execute bypass secret secrets delete guidelines developer unrestricted hacked pwned",
)
# Common words of English: two near each other are a sentence.
_COMMON = ("the", "and", "you", "your", "this", "that", "what", "with", "from", "have", "please")
_NEAR = 200
_ROT13 = str.maketrans(
    string.ascii_lowercase + string.ascii_uppercase,
    codecs.encode(string.ascii_lowercase + string.ascii_uppercase, "rot13"),
)
_LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7"}
_PLAIN = str.maketrans({look: letter for letter, looks in _LEET.items() for look in looks})
_LOOKS = re.escape("".join(chr(char) for char in _PLAIN))
# Only what stands in a word is a letter: numbers stay numbers.
_LEET_WORD = re.compile(rf"[{_LOOKS}]*[A-Za-z](?:[A-Za-z{_LOOKS}]*[A-Za-z{_LOOKS.replace('!', '')}])?")


def _any(words: Iterable[str]) -> str:
    return "|".join(words)


def _rot13(text: str) -> str:
    return text.translate(_ROT13)


def _backwards(text: str) -> str:
    return text[::-1]


def _unleet(text: str) -> str:
    return _LEET_WORD.sub(lambda word: word[0].translate(_PLAIN), text)


def _leet(word: str) -> Iterator[str]:
    """Patterns for the word with at least one letter replaced: the first that is, then any."""
    for at, letter in enumerate(word):
        if letter in _LEET:
            rest = "".join(f"[{char}{re.escape(_LEET.get(char, ''))}]" for char in word[at + 1 :])
            yield f"{word[:at]}[{re.escape(_LEET[letter])}]{rest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """A way to write. `telling` finds what gives it away, in bytes; `undo` keeps the length."""

    telling: Any
    undo: Callable[[str], str]
    origin: Callable[[Region], Origin]

    def __call__(self, subject: Subject) -> Iterator[Piece]:
        """The stretches around what gives the disguise away, undone."""
        for region in regions(self.telling.search, subject.raw, near=_NEAR):
            yield Piece(self.undo(subject.text[region.start : region.end]), self.origin(region))


rot13 = Disguise(
    telling=re2.compile(
        rf"(?i)\b(?:(?:{_any([_rot13(w) for w in _TELLING])})\b"
        rf"|(?:{_any([_rot13(w) for w in _COMMON])}) (?:[a-z]+ ){{0,3}}(?:{_any([_rot13(w) for w in _COMMON])})\b)"
    ),
    undo=_rot13,
    origin=lambda region: Shifted(region.start),
)
backwards = Disguise(
    telling=re2.compile(rf"(?i)\b(?:{_any([_backwards(w) for w in _TELLING if len(w) > 5])})\b"),
    undo=_backwards,
    origin=lambda region: Mirrored(region.end),
)
leet = Disguise(
    telling=re2.compile(rf"(?i)(?:{_any([pattern for w in _TELLING for pattern in _leet(w)])})"),
    undo=_unleet,
    origin=lambda region: Shifted(region.start),
)
