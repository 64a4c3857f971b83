"""Addresses: number, street, unit, place and code that follow one another; and places that stand alone."""

import re
from collections.abc import Iterator, Sequence

from midwatch_pii.ner.entities import Entity, Kind
from midwatch_pii.ner.meanings import Meaning
from midwatch_pii.ner.words import Word
from midwatch_pii.ner.writing import in_an_identifier, is_cased, like_a_name, of_a_firm

_PIECES = (Meaning.ADDRESS, Meaning.STREET, Meaning.NUMBER, Meaning.UNIT, Meaning.PLACE, Meaning.CODE)
_STREET = (Meaning.ADDRESS, Meaning.STREET, Meaning.UNIT)
_GOES_ON = 0.2
# Between pieces of an address: signs and blanks, also those at the beginning of a quoted line; no columns of a table.
_JOINT = re.compile(r"[,.#/'’()–-]{0,2}(?: {0,2}|[ \t]*(?:\r?\n[ \t]*[>?|*#]{0,3}[ \t]*){1,2})[#(]?")
_PLACE_JOINTS = frozenset((" ", "-", ", ", "\u00a0"))
# One word that the model has no name for may stand between two pieces.
_LONGEST_GAP = 60
_GAP = re.compile(r"[\w\s,#/'’()>–-]{1,24}|[^\W\d]{1,9}\. ?")


def addresses(text: str, words: Sequence[Word], least: float) -> list[Entity]:
    """Addresses with a street and a number in a text."""
    return [
        Entity(Kind.ADDRESS, run[0].start, run[-1].end, max(map(_share, run)))
        for run in _runs(text, words)
        if max(word.share(*_STREET) for word in run) >= least and _is_an_address(text, run)
    ]


def places(text: str, words: Sequence[Word], least: float) -> list[Entity]:
    """Towns, states and countries in a text, also those in addresses."""
    return [
        Entity(Kind.LOCATION, run[0].start, run[-1].end, max(map(_place, run)))
        for run in _place_runs(text, words)
        if max(map(_place, run)) >= least and _is_a_place(text, run)
    ]


def _place(word: Word) -> float:
    return word.share(Meaning.PLACE)


def _place_runs(text: str, words: Sequence[Word]) -> Iterator[list[Word]]:
    run: list[Word] = []
    for word in words:
        if _place(word) < _GOES_ON or not like_a_name(text, word):
            continue
        if run and text[run[-1].end : word.start] not in _PLACE_JOINTS:
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _is_a_place(text: str, run: Sequence[Word]) -> bool:
    """Not an acronym; a state's letters alone are too often something else."""
    value = text[run[0].start : run[-1].end]
    return len(value) > 1 and (not value.isupper() or not is_cased(value[0])) and not of_a_firm(text, run[-1].end)


def _share(word: Word) -> float:
    return word.share(*_PIECES)


def _runs(text: str, words: Sequence[Word]) -> Iterator[list[Word]]:
    """Pieces that follow one another, with at most one other word between two of them."""
    run: list[Word] = []
    between = 0
    for word in words:
        if _share(word) < _GOES_ON or not text[word.start].isalnum():
            between += text[word.start].isalnum()
            continue
        if run and not _joined(text, run[-1], word, between):
            yield run
            run = []
        run.append(word)
        between = 0
    if run:
        yield run


def _joined(text: str, last: Word, word: Word, between: int) -> bool:
    gap = text[last.end : word.start]
    if len(gap) > _LONGEST_GAP:
        return False
    if not between:
        return bool(_JOINT.fullmatch(gap))
    return between == 1 and bool(_GAP.fullmatch(gap))


def _is_an_address(text: str, run: Sequence[Word]) -> bool:
    """Whether there is a number, and a word that is written as a name, in no identifier."""
    if not any(char.isdigit() for char in text[run[0].start : run[-1].end]):
        return run[0].share(Meaning.ADDRESS) >= _GOES_ON and any(like_a_name(text, word) for word in run)
    streets = [word for word in run if word.share(*_STREET) >= _GOES_ON]
    return any(_like_a_street(text, word) for word in streets)


def _like_a_street(text: str, word: Word) -> bool:
    return like_a_name(text, word) or (text[word.start].isdigit() and not in_an_identifier(text, word))
