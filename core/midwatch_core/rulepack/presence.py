"""Which of many patterns are in a text of any length: block by block, as far as their matches have an end."""

from collections.abc import Sequence

from midwatch_core.rulepack.blocks import STEP, long_runs, present
from midwatch_core.rulepack.pieces import pieces_of
from midwatch_core.rulepack.prefilter import Prefilter

_REACH = 1024
# Assertions look at what stands beside a match.
_CONTEXT = 4


class Presence:
    """Patterns that are looked for together.

    A Set makes new states for each set of patterns met so far: in a long text full of matches that is slow, in a block
    of it they are few.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        reach = [pieces_of(source).reach for source in sources]
        self._all = Prefilter(sources)
        self._bounded = [n for n, most in enumerate(reach) if most <= _REACH]
        self._endless = [n for n, most in enumerate(reach) if most > _REACH]
        self._in_block = Prefilter([sources[n] for n in self._bounded])
        self._in_whole = Prefilter([sources[n] for n in self._endless])

    def present(self, data: bytes) -> set[int] | None:
        """Indexes of the patterns that may match somewhere in UTF-8 text, or None if that can't be told."""
        if len(data) <= STEP or long_runs(data):
            return self._all.present(data)
        near = present(data, self._in_block, _REACH + 2 * _CONTEXT)
        far = self._in_whole.present(data)
        if near is None or far is None:
            return None
        return {self._bounded[n] for n in near} | {self._endless[n] for n in far}
