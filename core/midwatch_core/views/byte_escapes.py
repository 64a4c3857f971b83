"""Escapes that write bytes or UTF-16 as hexadecimal numbers: of URLs, with their plus signs, and of strings in code."""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from midwatch_core.views.escapes import Escape
from midwatch_core.views.origins import Piece, Strided

_ERRORS = {"utf-8": "surrogateescape", "utf-16-be": "surrogatepass"}
# Codes of a space, a digit, a letter, or beyond ASCII; quotes, slashes and brackets hide nothing.
_HIDING = "(?:[02][09dDaA]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|[cdefCDEF][0-9a-fA-F])"
# Patterns begin with a character, not with what must stand before it: `re` skips to that fast.
_PLUS = r"\+(?<=[A-Za-z0-9]\+)(?=[A-Za-z0-9%])"


class Coded(NamedTuple):
    """Bytes written in groups of `unit`, `step` characters each."""

    data: bytes
    encoding: str
    unit: int
    step: int


def _percent(found: re.Match[str]) -> Coded:
    if found[0] == "+":
        return Coded(b" ", "utf-8", 1, 1)
    return Coded(bytes.fromhex(found[0].replace("%", "")), "utf-8", 1, 3)


def _backslash(found: re.Match[str]) -> Coded:
    mark = found[0][: found[0].index(found[0].lstrip("\\")[0]) + 1]
    data = bytes.fromhex(found[0].replace(mark, ""))
    if mark.endswith("x"):
        return Coded(data, "utf-8", 1, len(mark) + 2)
    return Coded(data, "utf-16-be", 2, len(mark) + 4)


def _text(coded: Callable[[re.Match[str]], Coded], found: re.Match[str]) -> str:
    data, encoding, _, _ = coded(found)
    return data.decode(encoding, _ERRORS[encoding])


def _piece(coded: Callable[[re.Match[str]], Coded], found: re.Match[str]) -> Piece:
    text, (_, encoding, unit, step) = _text(coded, found), coded(found)
    start, end = found.span()
    origin = Strided(text=text, encoding=encoding, start=start, end=end, unit=unit, step=step, width=step)
    return Piece(text, origin)


percent = Escape(
    guard="%",
    # A percent sign that hides another one is the second layer's business, if a code comes behind it.
    hiding=re.compile(f"%(?:25)?{_HIDING}"),
    written=re.compile(rf"(?:%[0-9a-fA-F]{{2}})++|{_PLUS}"),
    text=partial(_text, _percent),
    piece=partial(_piece, _percent),
)
# A form's spaces, with nothing else in it to escape; capitals would let base64 in.
plus = Escape(
    guard="+",
    hiding=re.compile(r"\+(?<=[A-Za-z]\+)[a-z]{2,15}\+[a-z]{2,15}\+[a-z]"),
    written=re.compile(_PLUS),
    text=partial(_text, _percent),
    piece=partial(_piece, _percent),
)
# Writers of JSON escape quotes, brackets, dashes and accents; a letter of ASCII they never do.
unicode = Escape(
    guard="\\u",
    hiding=re.compile(r"\\u(?!00(?:2[267]|3[cCdDeE]|[aAbB][0-9a-fA-F])|20[12][0-9a-fA-F])[0-9a-fA-F]{4}"),
    written=re.compile(r"(?:\\u[0-9a-fA-F]{4})++|(?:\\\\u[0-9a-fA-F]{4})++"),
    text=partial(_text, _backslash),
    piece=partial(_piece, _backslash),
)
backslash_x = Escape(
    guard="\\x",
    hiding=re.compile(rf"\\x{_HIDING}"),
    written=re.compile(r"(?:\\x[0-9a-fA-F]{2})++|(?:\\\\x[0-9a-fA-F]{2})++"),
    text=partial(_text, _backslash),
    piece=partial(_piece, _backslash),
)
