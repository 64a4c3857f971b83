"""Normalising a text as a reader sees it: NFKC, nothing invisible, no floods of marks, lookalikes as ASCII."""

from dataclasses import dataclass
from itertools import compress

from midwatch_core.views.clusters import cluster
from midwatch_core.views.kinds import KINDS, Kind
from midwatch_core.views.lookalikes import fold_lookalikes
from midwatch_core.views.offsets import Offsets

_kind_of = KINDS.__getitem__
_REWRITTEN = Kind.REWRITTEN
_ATTACHED = (Kind.MARK, Kind.SELECTOR, Kind.HIDDEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A normalised text and where it came from; `uncovered`: something hidden or disguised was found in it."""

    text: str
    offsets: Offsets | None
    uncovered: bool


def normalise(text: str) -> Normalised:
    """The text normalised; the very same string, and no offsets, where there was nothing to do. Linear time."""
    if text.isascii():
        return Normalised(text=text, offsets=None, uncovered=False)
    offsets = Offsets()
    plain, uncovered = _rewrite(text, offsets)
    folded = fold_lookalikes(plain)
    return Normalised(text=folded, offsets=offsets if len(offsets) else None, uncovered=uncovered or folded != plain)


def _rewrite(text: str, offsets: Offsets) -> tuple[str, bool]:
    """One pass over the code points that need work; what lies between them is copied in slices."""
    out: list[str] = []
    copied = read = written = 0
    uncovered = False
    # A kind is false for what is kept, so that all of this but the loop's body runs in C.
    for at in compress(range(len(text)), map(_kind_of, text)):
        if at < read:
            continue
        start = at if at == read or _kind_of(text[at]) is _REWRITTEN else at - 1
        read = _end(text, at + 1)
        source = text[start:read]
        made, used, bare = cluster(source)
        if made == source:
            continue
        uncovered = uncovered or bare
        out += (text[copied:start], made)
        written += start - copied
        copied = read
        offsets.put(written, len(made), start, used)
        written += len(made)
        if start + used < read:
            offsets.put(written, 0, start + used, read - start - used)
    if not out:
        return text, uncovered
    out.append(text[copied:])
    return "".join(out), uncovered


def _end(text: str, end: int) -> int:
    """Where the marks and hidden code points from `end` on are over."""
    while end < len(text) and _kind_of(text[end]) in _ATTACHED:
        end += 1
    return end
