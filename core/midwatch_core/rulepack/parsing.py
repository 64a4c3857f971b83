"""The shape of an RE2 pattern: its alternatives, their items, and how far each item can reach; nothing is matched here.

Only what the matcher asks is told: which parts a match must contain, and how long it can be.
"""

import math
import re
from dataclasses import dataclass
from enum import Enum

_TOKEN = re.compile(
    r"\\[pP]\{[^}]*\}|\\[pP].|\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\[0-7]{1,3}|\\."
    r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"
    r"|\(\?P?<\w+>|\(\?[imsU-]*[:)]|\(|\)|\||.",
    re.DOTALL,
)
_REPEAT = re.compile(r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??")
_TIMES = {"*": (0, math.inf), "+": (1, math.inf), "?": (0, 1)}
_NO_WIDTH = frozenset({"^", "$", r"\b", r"\B", r"\A", r"\z"})
# RE2's `\s`: the vertical tab is not among them.
_SPACES = frozenset(" \t\n\r\f")
_SPACE_ESCAPES = frozenset({r"\s", r"\t", r"\n", r"\r", r"\f"})
_SOLID_ESCAPES = frozenset({r"\w", r"\d", r"\S"})
# In brackets, any of these lets both spaces and other characters through.
_MIXED_INSIDE = re.compile(r"^\[\^|\\[sSWDPpntrfvx0-7]|[\x00-\x20]|\[:")
_ONLY_SPACES = re.compile(r"^\[(?:\\[stnrf]|[ \t\n\r\f])+\]$")
_NO_SPACES = re.compile(r"^\[\^(?:[^\\\]]|\\[^s])*\\s")
_MOST_BYTES = 4


class Run(Enum):
    """What a repeated atom runs over: white space, or what lies between it."""

    SPACE = "space"
    SOLID = "solid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One character or class, as written. `size` is the most bytes it takes; `run` is None where it takes either."""

    text: str
    size: int
    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Alternatives in brackets; `opening` is how a group of them begins that captures nothing."""

    opening: str
    branches: "tuple[tuple[Item, ...], ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An atom or group `least` to `most` times; `text` is all of it as written."""

    node: Atom | Group
    least: int
    most: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A whole pattern: flags in front, as written, and its alternatives."""

    flags: str
    branches: tuple[tuple[Item, ...], ...]


class _Unknown(Exception):  # noqa: N818  # never leaves this module
    """Something rare that is not looked into."""


def shape_of(source: str) -> Shape | None:
    """The shape of a pattern that RE2 takes; None for rare ones that are not looked into."""
    flags = re.match(r"\(\?[imsU]+\)", source)
    begin = flags.end() if flags else 0
    if r"\Q" in source:
        return None
    try:
        branches, end = _branches(source, begin)
    except _Unknown:
        return None
    return Shape(flags=flags.group() if flags else "", branches=branches) if end == len(source) else None


def _branches(source: str, at: int) -> tuple[tuple[tuple[Item, ...], ...], int]:
    """Alternatives up to a closing bracket or the end."""
    branches: list[tuple[Item, ...]] = []
    items: list[Item] = []
    while at < len(source) and source[at] != ")":
        if source[at] == "|":
            branches.append(tuple(items))
            items, at = [], at + 1
            continue
        item, at = _item(source, at)
        items.append(item)
    return (*branches, tuple(items)), at


def _item(source: str, at: int) -> tuple[Item, int]:
    found = _TOKEN.match(source, at)
    if found is None:
        raise _Unknown
    atom, end = found.group(), found.end()
    node: Atom | Group
    if atom.startswith("("):
        if atom.endswith(")"):
            raise _Unknown
        branches, end = _branches(source, end)
        if source[end : end + 1] != ")":
            raise _Unknown
        end += 1
        node = Group(opening=atom if atom.startswith("(?") and atom.endswith(":") else "(?:", branches=branches)
    else:
        node = Atom(text=atom, size=_size(atom), run=_run(atom))
    least, most, end = _times(source, end)
    return Item(node=node, least=least, most=most, text=source[at:end]), end


def _times(source: str, at: int) -> tuple[int, float, int]:
    found = _REPEAT.match(source, at)
    if found is None:
        return 1, 1, at
    sign, low, comma, high = found.groups()
    if sign:
        least, most = _TIMES[sign]
        return int(least), most, found.end()
    return int(low), (int(high) if high else math.inf) if comma else int(low), found.end()


def _size(atom: str) -> int:
    """The most bytes of UTF-8: Unicode's case folding makes three of ASCII's `k` and two of its `s`."""
    if atom in _NO_WIDTH:
        return 0
    if len(atom) == 1 and atom.isascii() and atom not in "ksKS.":
        return 1
    return 1 if len(atom) == 2 and atom[0] == "\\" and not atom[1].isalnum() else _MOST_BYTES


def _run(atom: str) -> Run | None:
    if atom in _SPACES or atom in _SPACE_ESCAPES or _ONLY_SPACES.match(atom):
        return Run.SPACE
    if (
        atom in _SOLID_ESCAPES
        or (len(atom) == 1 and atom != ".")
        or atom.startswith((r"\p{L", r"\p{N", r"\pL", r"\pN"))
    ):
        return Run.SOLID
    if atom[0] == "\\":
        return Run.SOLID if len(atom) == 2 and not atom[1].isalnum() else None
    solid = _NO_SPACES.match(atom) or not _MIXED_INSIDE.search(_without_letters(atom))
    return Run.SOLID if atom[0] == "[" and solid else None


def _without_letters(atom: str) -> str:
    """A class without the Unicode classes that have no spaces."""
    return re.sub(r"\\p\{[LN][a-z]?\}|\\p[LN]", "", atom)
