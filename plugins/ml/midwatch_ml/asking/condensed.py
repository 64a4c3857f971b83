"""A long text as it is sent to a model: no more of it than the model may read anyway, from all over it."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from midwatch_core import windows_of

# Code points that a window's token stands for, at most in nearly all texts: so much is sent for each.
_CHARACTERS_A_TOKEN = 8
_MOST = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Condensed:
    """Stretches of a text, joined. `places` are where each begins: in `text`, and in the original."""

    text: str
    places: tuple[tuple[int, int], ...]
    whole: bool

    @classmethod
    def of(cls, text: str, *, windows: int, tokens: int) -> "Condensed":
        """A text for so many windows of so many tokens: whole if it is short, else its head, its tail, and between."""
        length = min(tokens * _CHARACTERS_A_TOKEN, _MOST // windows)
        spans = windows_of(len(text), length, length, windows)
        if not spans.skipped:
            return cls(text=text, places=((0, 0),), whole=True)
        pieces = [text[start:end] for start, end in spans.spans]
        places = tuple((index * length, start) for index, (start, _) in enumerate(spans.spans))
        return cls(text="".join(pieces), places=places, whole=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of `text` in the original; of one that has two stretches in it, the longer part."""
        cuts = [at for at, _ in self.places if start < at < end]
        edges = [start, *cuts, end]
        first, last = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
        at, original = self.places[bisect_right(self.places, first, key=lambda place: place[0]) - 1]
        return original + first - at, original + last - at
