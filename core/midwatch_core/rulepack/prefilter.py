"""Which of many patterns are in a text, in one pass: an RE2 Set with a canary, so that it never misses silently."""

from collections.abc import Sequence
from typing import Any

import re2

from midwatch_core.rulepack.compiling import re2_options

# Matches at the end of every text and nowhere else: it costs nothing, and its absence means that the Set gave up.
_CANARY = r"\z"
DEFAULT_MEMORY = 64 * 1024 * 1024


class Prefilter:
    """A Set of patterns. `misses` counts texts that it gave up on (a DFA out of memory); None is then the answer."""

    def __init__(self, sources: Sequence[str], *, max_mem: int = DEFAULT_MEMORY) -> None:
        self.misses = 0
        self.sources = tuple(sources)
        self._canary = len(sources)
        self._set: Any = _compiled(sources, max_mem)

    def present(self, data: bytes) -> set[int] | None:
        """Indexes of the patterns that match somewhere in UTF-8 text, or None if that can't be told."""
        found = self._set.Match(data) if self._set is not None else None
        if not found or self._canary not in found:
            self.misses += 1
            return None
        present = set(found)
        present.discard(self._canary)
        return present


def _compiled(sources: Sequence[str], max_mem: int) -> Any:
    try:
        made = re2.Set.SearchSet(re2_options(max_mem))
        for source in (*sources, _CANARY):
            made.Add(source)
        made.Compile()
    except re2.error:  # Too little memory for so many patterns: each is good alone, so every text counts as a miss.
        return None
    return made
