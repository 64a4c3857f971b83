"""A text too long to be looked at in one go, in windows: one of them bounds the memory, the text's length the time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from midwatch_core.model.finding import Finding

# Code points. A longer text is looked at in windows.
LONGEST = 32 * 1024 * 1024
WINDOW = 4 * 1024 * 1024
# What two neighbours share. A finding that is no longer than half of it is whole in one of them.
OVERLAP = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A window's text, where it begins, and which findings are its own: those that begin in [first, last)."""

    text: str
    start: int
    first: int
    last: int

    def own(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Those of the window's findings that no neighbour reports, with their place in the whole text."""
        for finding in findings:
            start = self.start + (finding.start or 0)
            if self.first <= start < self.last:
                yield replace(finding, start=start, end=self.start + (finding.end or 0))


def stretches_of(text: str, *, window: int = WINDOW, overlap: int = OVERLAP) -> Iterator[Stretch]:
    """The windows of a text, in order, each made when asked for; `overlap` is less than `window`."""
    step = window - overlap
    for start in range(0, max(1, len(text) - overlap), step):
        is_last = start + window >= len(text)
        yield Stretch(
            text=text[start : start + window],
            start=start,
            first=start + overlap // 2 if start else 0,
            last=len(text) + 1 if is_last else start + step + overlap // 2,
        )
