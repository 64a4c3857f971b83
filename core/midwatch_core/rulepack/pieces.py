"""What a Set takes for a pattern: short pieces that each match must contain, with no wide gap and of bounded length.

A Set of whole patterns would lose its speed on two things: gaps, which multiply the states of all its patterns, and
long texts. Pieces have no gaps, and are short enough to be looked for in one block of a text after the other.
"""

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

import re2

from midwatch_core.rulepack.parsing import Atom, Group, Item, Run, Shape, shape_of

# A piece takes at most so many bytes of a text.
LONGEST_PIECE = 160
# Repeats without a bound are taken to end after so many bytes; where a text has longer runs, windows grow by them.
RUNS = {Run.SPACE: 64, Run.SOLID: 256}
# In a piece: longer runs end it.
_SHORT_RUNS = {Run.SPACE: 4, Run.SOLID: 12}
_WIDE = 10
_LONGEST_LEAD = 1_000
_TELLING = re.compile(r"[^\W\d_]{3}")
_NOT_LITERAL = re.compile(r"\\p?\{[^}]*\}|\\.|\[[^\]]*\]|\(\?[a-zA-Z]*[:)]?")


class _Piece(NamedTuple):
    """A piece, and how many bytes of a match may stand before it."""

    text: str
    lead: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Where to look for a pattern: `anchor` matches in every match, at most `lead` bytes behind its beginning.

    It is "" if no such piece is known. `reach` is how many bytes a match can take, infinite if there is no bound.
    """

    anchor: str
    lead: int
    reach: float


def pieces_of(source: str) -> Pieces:
    """The pieces of a pattern that RE2 takes; no anchor where it is not understood, so that it is always tried."""
    shape = _unwrapped(shape_of(source))
    if shape is None:
        return Pieces(anchor="", lead=0, reach=math.inf)
    reach = max(map(_sequence_reach, shape.branches))
    anchor = _anchor([_cut(branch, LONGEST_PIECE) for branch in shape.branches])
    return Pieces(anchor=_sound(shape.flags + anchor.text) if anchor.text else "", lead=int(anchor.lead), reach=reach)


def _anchor(cut: list[list[_Piece]]) -> _Piece:
    """Of several alternatives all beginnings; of one the first piece that is of use."""
    if len(cut) > 1:
        firsts = [pieces[0].text for pieces in cut]
        return _Piece("|".join(firsts) if all(map(_sound, firsts)) else "", 0)
    near = [piece for piece in cut[0] if piece.lead <= _LONGEST_LEAD and _sound(piece.text)]
    first = near[0] if near and near[0].lead == 0 else _Piece("", 0)
    return next((piece for piece in near if tells(piece.text)), first)


def _unwrapped(shape: Shape | None) -> Shape | None:
    """A pattern that is one group is as good as what is in the group."""
    while shape is not None and len(shape.branches) == 1 and len(shape.branches[0]) == 1:
        item = shape.branches[0][0]
        if not isinstance(item.node, Group) or item.node.opening != "(?:" or (item.least, item.most) != (1, 1):
            break
        shape = Shape(flags=shape.flags, branches=item.node.branches)
    return shape


def _cut(items: tuple[Item, ...], budget: int) -> list[_Piece]:
    """The pieces of a sequence in order; the first begins with the sequence, and may be empty."""
    pieces: list[_Piece] = []
    text, closing, left, begin, at = "", "", budget, 0.0, 0.0
    for item in items:
        size = _bound(item)
        run = None if size <= left else _short_run(item)
        if size <= left:
            text, left = text + item.text, left - int(size)
        elif run is not None and run[2] <= left:
            text, closing, left = text + run[0], run[1] + closing, left - run[2]
        else:
            pieces.append(_Piece(text + _start_of(item, left) + closing, begin))
            text, closing, left, begin = "", "", budget, at + _reach(item, endless=math.inf)
        at += _reach(item, endless=math.inf)
    return [*pieces, _Piece(text + closing, begin)]


def _short_run(item: Item) -> tuple[str, str, int] | None:
    """A repeat without a bound as one with: what follows must come soon, or the run is a long one (how it closes)."""
    atom = item.node
    if not isinstance(atom, Atom) or atom.run is None or item.most != math.inf:
        return None
    most = item.least + _SHORT_RUNS[atom.run]
    return f"(?:{atom.text}{{{item.least},{most}}}", f"|{atom.text}{{{most + 1}}})", (most + 1) * atom.size


def _start_of(item: Item, left: int) -> str:
    """What an item that is too long for a piece must at least begin with; nothing, if it need not be there."""
    if item.least == 0:
        return ""
    if isinstance(item.node, Atom):
        return item.node.text if item.node.size <= left and not _is_broad(item.node) else ""
    starts = [_cut(branch, left)[0].text for branch in item.node.branches]
    return item.node.opening + "|".join(starts) + ")" if all(map(_sound, starts)) else ""


def _bound(item: Item) -> float:
    """The most bytes that an item takes in a piece; infinite if it may not be in one."""
    if item.most == math.inf:
        return math.inf
    if isinstance(item.node, Atom):
        return math.inf if item.most >= _WIDE and _is_broad(item.node) else item.most * item.node.size
    inner = max(sum(map(_bound, branch)) for branch in item.node.branches)
    repeats = any(one.most >= _WIDE for branch in item.node.branches for one in branch)
    return math.inf if repeats and item.most > 1 else item.most * inner if inner else 0


def _is_broad(atom: Atom) -> bool:
    """Whether an atom lets ordinary prose through."""
    return atom.size > 0 and (atom.run is None or atom.text == r"\S" or atom.text.startswith("[^"))


def _sequence_reach(items: tuple[Item, ...], endless: float = 0) -> float:
    return sum(_reach(item, endless) for item in items)


def _reach(item: Item, endless: float = 0) -> float:
    """The most bytes that an item takes; a run without a bound counts as `endless`, or as RUNS says."""
    if isinstance(item.node, Atom):
        if item.most < math.inf:
            return item.most * item.node.size
        return endless or (item.least * item.node.size + RUNS[item.node.run] if item.node.run else math.inf)
    inner = max(_sequence_reach(branch, endless) for branch in item.node.branches)
    return item.most * inner if inner else 0


def tells(piece: str) -> bool:
    """Whether a piece has three letters in a row, so that it is worth looking for."""
    return _TELLING.search(_NOT_LITERAL.sub(" ", piece)) is not None


def _sound(piece: str) -> str:
    """The piece, if RE2 takes it and it does not match everywhere."""
    options = re2.Options()
    options.log_errors = False
    try:
        return piece if piece and re2.compile(piece, options).match(b"") is None else ""
    except re2.error:
        return ""
