"""Which rules can match in a view: by keywords first, then by one Set over the patterns that may be in it."""

from collections.abc import Iterator, Sequence

import re2

from midwatch_core.rulepack.compiling import Pattern, Rule
from midwatch_core.rulepack.prefilter import Prefilter
from midwatch_core.rulepack.scanning import Scan

# Up to so many patterns are tried one by one: cheaper than a pass of the Set over the text.
_FEW = 4


class Candidates:
    """The rules of one part that are worth trying on a view. `misses` counts texts on which a Set gave up."""

    def __init__(self, rules: Sequence[Rule], *, max_mem: int) -> None:
        self.rules = tuple(rules)
        self._words = sorted({word for rule in rules for word in rule.keywords})
        place = {word: n for n, word in enumerate(self._words)}
        self._keys = tuple(tuple(place[word] for word in rule.keywords) for rule in rules)
        self._keywords = Prefilter([re2.escape(word) for word in self._words], max_mem=max_mem)
        plain = sorted({p.sieve for rule in rules for p in (*rule.any, *rule.all) if p.sieve})
        self._place = {source: n for n, source in enumerate(plain)}
        self._patterns = Prefilter(plain, max_mem=max_mem)

    @property
    def misses(self) -> int:
        """How often a Set could not tell, so that every pattern was tried alone."""
        return self._keywords.misses + self._patterns.misses

    def of(self, scan: Scan) -> Iterator[tuple[Rule, tuple[Pattern, ...]]]:
        """Rules that may match, each with those patterns of its `any` that may."""
        hopeful = self._by_keyword(scan)
        count = sum(len(rule.any) + len(rule.all) for rule in hopeful)
        present = self._patterns.present(scan.data) if count > _FEW and self._place else None
        for rule in hopeful:
            if present is None:
                yield rule, rule.any
                continue
            some = tuple(p for p in rule.any if self._may(p, present))
            if (some or not rule.any) and all(self._may(p, present) for p in rule.all):
                yield rule, some

    def _may(self, pattern: Pattern, present: set[int]) -> bool:
        return not pattern.sieve or self._place[pattern.sieve] in present

    def _by_keyword(self, scan: Scan) -> list[Rule]:
        if not self._words:
            return list(self.rules)
        present = self._keywords.present(scan.folded)
        if present is None:
            present = {n for n, word in enumerate(self._words) if word.encode() in scan.folded}
        return [
            rule
            for rule, keys in zip(self.rules, self._keys, strict=True)
            if not keys or any(key in present for key in keys)
        ]
