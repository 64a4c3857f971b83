"""A text cut into blocks: which patterns of a Set are in which, so that a pattern is tried only where it may match.

A Set that reads a long text in one go makes new states for each set of patterns that it has met so far; in a block they
are few, and the states are those of the block before.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import re2

from midwatch_core.rulepack.parsing import Run
from midwatch_core.rulepack.pieces import LONGEST_PIECE, RUNS
from midwatch_core.rulepack.prefilter import Prefilter

STEP = 3072
# What stands next to a match decides on `\b`, `^` and `$`.
_CONTEXT = 4

type Window = tuple[int, int, int]
"""Bytes where matches may begin, from and to; and where they end."""


def present(data: bytes, prefilter: Prefilter, overlap: int) -> set[int] | None:
    """The patterns of a Set anywhere in a text; none may take more than `overlap` bytes. None if that can't be told."""
    found: set[int] = set()
    for begin in range(0, len(data), STEP):
        some = prefilter.present(data[max(0, begin - _CONTEXT) : begin + STEP + overlap])
        if some is None:
            return None
        found |= some
    return found


def blocks_of(data: bytes, prefilter: Prefilter) -> dict[str, list[int]]:
    """For each pattern of a Set the blocks in which it may begin, in order; where the Set could not tell, all may."""
    blocks: dict[str, list[int]] = {}
    for number, begin in enumerate(range(0, len(data), STEP)):
        found = prefilter.present(data[max(0, begin - _CONTEXT) : begin + STEP + LONGEST_PIECE + _CONTEXT])
        for source in prefilter.sources if found is None else map(prefilter.sources.__getitem__, found):
            blocks.setdefault(source, []).append(number)
    return blocks


def stretches(blocks: Sequence[int], lead: int) -> Iterator[tuple[int, int]]:
    """Neighbouring blocks joined, with those that `lead` bytes before them reach into: first and last."""
    first, last = -1, -2
    for block in blocks:
        begin = max(0, (block * STEP - lead) // STEP)
        if begin > last + 1:
            if first >= 0:
                yield first, last
            first = begin
        last = block
    if first >= 0:
        yield first, last


def _run_pattern() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    space = r"\t\n\f\r "
    pattern = rf"[{space}]{{{RUNS[Run.SPACE] + 1},}}|[^{space}]{{{RUNS[Run.SOLID] + 1},}}"
    return re2.compile(pattern.encode(), options)


_LONG_RUN = _run_pattern()


def long_runs(data: bytes) -> list[tuple[int, int]]:
    """Where white space, or what lies between it, goes on for longer than patterns' windows allow for."""
    return [found.span() for found in _LONG_RUN.finditer(data)]


def stretched(begin: int, end: int, runs: Sequence[tuple[int, int]]) -> int:
    """The end of a window, moved by the long runs in it."""
    for first, last in islice(runs, max(0, bisect_left(runs, (begin, 0)) - 1), None):
        if first >= end:
            break
        if last > begin:
            end += last - first
    return end
