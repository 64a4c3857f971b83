"""Morse code: letters of dots and dashes, words apart by a slash or a wider gap."""

import re
from array import array
from collections.abc import Iterator

from midwatch_core.views.escapes import Escape
from midwatch_core.views.origins import Located, Piece

# As RE2 takes it, for the gate; eight letters and more.
MORSE = r"[.-]{1,5}(?: (?:[/|] )?[.-]{1,5}){7}"
_RUN = re.compile(
    # A table's rules are dashes alone.
    r"[.-](?<![.\w-].)(?<=(?=[. /|-]{0,60}?(?:\.-|-\.)).)[.-]{0,4}(?: {1,3}(?:[/|] {1,3})?[.-]{1,5}(?![.\w-])){7,200}"
)
_PART = re.compile(r"[.-]+| {2,}(?![/|])|[/|]")
_CODES = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
)
_LETTERS = dict(zip(_CODES.split(), "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))


def _text(found: re.Match[str]) -> str:
    return "".join(char for char, _ in _read(found))


def _piece(found: re.Match[str]) -> Piece:
    starts, ends, chars = array("Q"), array("Q"), []
    for char, part in _read(found):
        chars.append(char)
        starts.append(found.start() + part.start())
        ends.append(found.start() + part.end())
    return Piece("".join(chars), Located(starts, ends))


def _read(found: re.Match[str]) -> Iterator[tuple[str, re.Match[str]]]:
    """Each letter, a space between words, `?` for what is no letter; each with its place in the run."""
    for part in _PART.finditer(found[0]):
        yield _LETTERS.get(part[0], " " if part[0][0] in " /|" else "?"), part


morse = Escape(guard="", hiding=_RUN, written=_RUN, text=_text, piece=_piece)
