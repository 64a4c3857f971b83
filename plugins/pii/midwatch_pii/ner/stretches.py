"""Where a text is cut for a model: it judges a paragraph best alone, and a window across two of them worse."""

import re
from collections.abc import Iterator

from midwatch_pii.ner.writing import CODE_SIGNS

# Code points. The model's own users give it 480; a line of an address is far shorter than what two windows share.
LONGEST = 400
_SHARED = 80
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"')\]]*\s+|\n")
# In JSON that is a text in JSON, and in code, these stand for one character.
_ESCAPE = re.compile(r"\\[nrt\"'/\\]")

type Stretch = tuple[int, int]


def readable(text: str) -> str:
    """The text, as long as before, with what escapes stand for, and without halves of surrogate pairs."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return _ESCAPE.sub(_meant, text) if "\\" in text else text


def _meant(match: re.Match[str]) -> str:
    escaped = match[0][1]
    return {"n": " \n", "r": "  ", "t": " \t"}.get(escaped, f" {escaped}")


def stretches(text: str) -> list[Stretch]:
    """The stretches of a text to be judged one by one: paragraphs; of long ones lines and sentences, as many as fit."""
    found: list[Stretch] = []
    for start, end in _cut(text, 0, len(text), _PARAGRAPH):
        found.extend([(start, end)] if end - start <= LONGEST else _packed(text, start, end))
    return [one for one in found if _may_name(text[one[0] : one[1]])]


def _cut(text: str, start: int, end: int, behind: re.Pattern[str]) -> Iterator[Stretch]:
    for match in behind.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    if start < end:
        yield start, end


def _packed(text: str, start: int, end: int) -> Iterator[Stretch]:
    first = last = start
    for _, behind in _cut(text, start, end, _SENTENCE):
        if behind - first > LONGEST and last > first:
            yield first, last
            first = last
        last = behind
        if last - first > LONGEST:
            yield from _sliced(text, first, last)
            first = last
    if last > first:
        yield first, last


def _sliced(text: str, start: int, end: int) -> Iterator[Stretch]:
    """Windows over what has no end of a line or sentence, each beginning behind a blank of the one before."""
    while end - start > LONGEST:
        yield start, start + LONGEST
        blank = text.find(" ", start + LONGEST - _SHARED, start + LONGEST)
        start = blank + 1 if blank >= 0 else start + LONGEST - _SHARED
    yield start, end


def _may_name(stretch: str) -> bool:
    """Whether any word could be written as names are; small letters among signs of code never are (see `writing`)."""
    if stretch.isascii() and stretch == stretch.lower():
        return any(map(str.isalpha, stretch)) and CODE_SIGNS.isdisjoint(stretch)
    return True


def chosen(found: list[Stretch], most: int) -> list[Stretch]:
    """At most so many of them: the first, the last and those evenly between."""
    if len(found) <= most:
        return found
    step = (len(found) - 1) / max(1, most - 1)
    return [found[round(at * step)] for at in range(most)]
