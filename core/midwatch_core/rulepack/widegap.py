"""Wide gaps in patterns: what must be kept out of a Set, and where it begins."""

import math
import re
from dataclasses import dataclass

_ATOM = re.compile(r"\\[pP]\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|.", re.DOTALL)
_REPEAT = re.compile(r"[*+]|\{(?:\d+,)?(\d*)\}")
_BROAD_ATOMS = frozenset({".", r"\S", r"\W", r"\D"})
# In brackets, any of these lets ordinary prose through.
_BROAD_INSIDE = re.compile(r"^\[\^|\\[sSWDP]| |\[:space:\]")
_WIDE = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """A wide gap. `element` is where the part of the pattern that holds it begins; None if there is no one place."""

    element: int | None


def gap_in(source: str) -> Gap | None:
    """The first wide gap: nearly anything ten times or more, or a repeated group of repeats (words).

    In a Set such a pattern multiplies the states of all others (30 times slower on hostile text); alone it does not.
    `source` must be a pattern that RE2 takes.
    """
    groups = [False]  # For each open group: is there a wide repeat in it?
    element, forked = 0, r"\Q" in source or _has_fork(source)
    for atom in _ATOM.finditer(source):
        if len(groups) == 1 and atom.group() != ")":
            element = atom.start()
        upper = _upper(_REPEAT.match(source, atom.end()))
        if atom.group() == "(":
            groups.append(False)
            continue
        repeats = groups.pop() if atom.group() == ")" and len(groups) > 1 else False
        if (repeats and upper > 1) or (upper >= _WIDE and _is_broad(atom.group())):
            return Gap(None if forked else element)
        groups[-1] = groups[-1] or repeats or upper >= _WIDE
    return None


def _has_fork(source: str) -> bool:
    """Whether the pattern has alternatives outside of all groups."""
    depth = 0
    for atom in _ATOM.finditer(source):
        depth += (atom.group() == "(") - (atom.group() == ")")
        if depth == 0 and atom.group() == "|":
            return True
    return False


def _upper(repeat: re.Match[str] | None) -> float:
    """How often at most what stands before a repeat may come."""
    if repeat is None:
        return 1
    return int(repeat.group(1)) if repeat.group(1) else math.inf


def _is_broad(atom: str) -> bool:
    if atom[0] == "[":
        return _BROAD_INSIDE.search(atom) is not None
    return atom in _BROAD_ATOMS or atom.startswith(r"\P")
