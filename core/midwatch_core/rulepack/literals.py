"""Which patterns can be in a text by the words that each needs, as RE2's FilteredRE2 finds them out; with a canary."""

from collections.abc import Sequence

import re2

from midwatch_core.rulepack.compiling import re2_options

# A text is read in windows, so that the words met in one do not multiply the states for all the others. Matches of up
# to this many bytes lie in one window.
REACH = 1024
_STEP = 4096
_CANARY = "\x00midwatch-canary\x00"


class Literals:
    """Patterns whose matches take no more than REACH bytes. `misses` counts texts on which it could not tell."""

    def __init__(self, sources: Sequence[str]) -> None:
        self.misses = 0
        self.sources = tuple(sources)
        self._canary = len(sources)
        self._filter = re2.Filter()
        for source in sources:
            self._filter.Add(source, re2_options())
        self._filter.Add(re2.escape(_CANARY), re2_options())
        self._filter.Compile()

    def possible(self, data: bytes) -> set[str]:
        """The patterns that may match in UTF-8 text; all of them where that can't be told, or where most may."""
        found: set[int] = set()
        for begin in range(0, max(1, len(data) - REACH), _STEP):
            # What is looked for last is found only if all before was read to its end.
            some = self._filter.Match(data[begin : begin + _STEP + REACH] + _CANARY.encode(), True) or ()
            if self._canary not in some:
                self.misses += 1
                return set(self.sources)
            found.update(some)
            found.discard(self._canary)
            if len(found) > len(self.sources) // 2:
                return set(self.sources)
        return {self.sources[one] for one in found}
