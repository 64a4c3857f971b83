"""Texts as a model would judge them, in one line: `[Jane](name) [Roe](name .3)`; what is not marked is nothing."""

import re

from midwatch_pii.ner.meanings import Meaning
from midwatch_pii.ner.words import MEANINGS, Word

_MARK = re.compile(r"\[([^\]]*)\]\((\w+) ?([\d.]*)\)")
_WORD = re.compile(r"[^\W_]+")


def marked(line: str) -> tuple[str, list[Word]]:
    """The text without the marks, and its words; those of a mark share its meaning."""
    text, words, last = "", list[Word](), 0
    for mark in _MARK.finditer(line):
        before, value = line[last : mark.start()], mark[1]
        words += _words(before, len(text), ())
        text += before
        shares = tuple(float(mark[3] or 0.9) * (meaning is Meaning(mark[2])) for meaning in MEANINGS)
        words += _words(value, len(text), shares)
        text += value
        last = mark.end()
    return text + line[last:], [*words, *_words(line[last:], len(text), ())]


def _words(piece: str, at: int, shares: tuple[float, ...]) -> list[Word]:
    return [
        Word(at + found.start(), at + found.end(), shares or (0.0,) * len(MEANINGS)) for found in _WORD.finditer(piece)
    ]
