"""Which rules can match in a view, and where: by keywords first, then by one Set over the pieces of all patterns."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import re2

from midwatch_core.rulepack.blocks import STEP, Window, blocks_of, present, stretched, stretches
from midwatch_core.rulepack.compiling import Pattern, Rule
from midwatch_core.rulepack.literals import REACH, Literals
from midwatch_core.rulepack.prefilter import Prefilter
from midwatch_core.rulepack.scanning import Scan

# Two Sets make fewer states than one: each knows of fewer patterns that are under way at once.
_SETS = 2
# Assertions look at what stands behind a match.
_CONTEXT = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that may match, with those patterns of its `any` and `all` that may, and where; None is everywhere."""

    rule: Rule
    any: tuple[tuple[Pattern, tuple[Window, ...] | None], ...]
    all: tuple[tuple[Pattern, tuple[Window, ...] | None], ...]


class Candidates:
    """The rules of one part that are worth trying on a view. `misses` counts texts on which a Set gave up."""

    def __init__(self, rules: Sequence[Rule], *, max_mem: int) -> None:
        self.rules = tuple(rules)
        self._words = sorted({word.encode("utf-8", "surrogatepass") for rule in rules for word in rule.keywords})
        place = {word: n for n, word in enumerate(self._words)}
        self._keys = tuple(
            frozenset(place[word.encode("utf-8", "surrogatepass")] for word in rule.keywords) for rule in rules
        )
        self._keywords = Prefilter([re2.escape(word) for word in self._words], max_mem=max_mem)
        self._longest_word = max(map(len, self._words), default=0)
        anchors = sorted({p.pieces.anchor for rule in rules for p in (*rule.any, *rule.all) if p.pieces.anchor})
        self._anchors = [Prefilter(anchors[n::_SETS], max_mem=max_mem) for n in range(_SETS) if anchors[n::_SETS]]

        bounded = {p.source for rule in rules for p in (*rule.any, *rule.all) if p.pieces.reach <= REACH}
        self._bounded = frozenset(bounded)
        self._literals = Literals(sorted(bounded))

    @property
    def misses(self) -> int:
        """How often a Set could not tell, so that every pattern was tried."""
        return self._keywords.misses + self._literals.misses + sum(one.misses for one in self._anchors)

    def of(self, scan: Scan) -> Iterator[Found]:
        """Rules that may match."""
        hopeful = self._by_keyword(scan)
        if not hopeful:
            return
        impossible = self._impossible(scan)
        blocks: dict[str, list[int]] = {}
        for anchors in self._anchors:
            blocks |= blocks_of(scan.data, anchors)
        for rule in hopeful:
            some = self._where(rule.any, scan, blocks, impossible)
            if not some and rule.any:
                continue
            every = self._where(rule.all, scan, blocks, impossible)
            if len(every) == len(rule.all):
                yield Found(rule, some, every)

    def _impossible(self, scan: Scan) -> Set[str]:
        """Patterns that lack a word that they need. Runs that are longer than a window belie what matches can take."""
        return frozenset() if scan.long_runs else self._bounded - self._literals.possible(scan.data)

    def _where(
        self, patterns: Sequence[Pattern], scan: Scan, blocks: Mapping[str, list[int]], impossible: Set[str]
    ) -> tuple[tuple[Pattern, tuple[Window, ...] | None], ...]:
        """Those of the patterns that may match, and where."""
        found: list[tuple[Pattern, tuple[Window, ...] | None]] = []
        for pattern in patterns:
            if pattern.source in impossible:
                continue
            if not pattern.pieces.anchor:
                found.append((pattern, None))
            elif windows := tuple(self._windows(pattern, scan, blocks)):
                found.append((pattern, windows))
        return tuple(found)

    def _windows(self, pattern: Pattern, scan: Scan, blocks: Mapping[str, list[int]]) -> Iterator[Window]:
        """Where the pattern may match. Windows that overlap are one, so that no byte is read twice."""
        window: Window | None = None
        for first, last in stretches(blocks.get(pattern.pieces.anchor, ()), pattern.pieces.lead):
            begin, begun = first * STEP, min((last + 1) * STEP, len(scan.data))
            end = self._end(pattern, scan, begin, begun)
            if window is not None and begin <= window[2]:
                window = (window[0], begun, max(end, window[2]))
                continue
            if window is not None:
                yield window
            window = (begin, begun, end)
        if window is not None:
            yield window

    def _end(self, pattern: Pattern, scan: Scan, begin: int, begun: int) -> int:
        """Where matches that begin in a stretch are over."""
        size, reach = len(scan.data), pattern.pieces.reach
        if begun + reach >= size:
            return size
        return min(size, stretched(begin, begun + int(reach) + _CONTEXT, scan.long_runs))

    def _by_keyword(self, scan: Scan) -> list[Rule]:
        if not self._words:
            return list(self.rules)
        found = present(scan.folded, self._keywords, self._longest_word)
        if found is None:
            found = {n for n, word in enumerate(self._words) if word in scan.folded}
        return [
            rule for rule, keys in zip(self.rules, self._keys, strict=True) if not keys or not keys.isdisjoint(found)
        ]
