"""A text and its views: what detectors match, each with the way back to the original."""

from collections.abc import Iterator

from midwatch_core.views.normalising import Normalised, normalise
from midwatch_core.views.offsets import Offsets


class View:
    """A text made from another. `how` says in which way: `original`, `normalised`, `base64`, `base64+url`, …"""

    __slots__ = ("_offsets", "_source", "how", "text")

    def __init__(self, text: str, how: str, offsets: Offsets | None = None, source: "View | None" = None) -> None:
        self.text = text
        self.how = how
        self._offsets = offsets
        self._source = source

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The code points of the original that [start, end) of this view was made from. Out of range is clipped."""
        start = min(max(start, 0), len(self.text))
        end = min(max(end, start), len(self.text))
        view: View | None = self
        while view is not None:
            if view._offsets is not None:
                start, end = view._offsets.span(start, end)
            view = view._source
        return start, end


class Text:
    """A text whose views are computed once, when first asked for."""

    __slots__ = ("_normalised", "_view", "original")

    def __init__(self, original: str) -> None:
        self.original = original
        self._normalised: Normalised | None = None
        self._view: View | None = None

    @property
    def normalised(self) -> View:
        """The text as a reader sees it."""
        if self._view is None:
            made = normalise(self.original)
            self._normalised = made
            self._view = View(made.text, "normalised", made.offsets)
        return self._view

    @property
    def decoded(self) -> tuple[View, ...]:
        """What was found encoded inside."""
        return ()

    def views(self) -> Iterator[View]:
        """Normalised; the original, where something in it was hidden or disguised; then the decoded ones."""
        yield self.normalised
        if self._normalised is not None and self._normalised.uncovered:
            yield View(self.original, "original")
        yield from self.decoded
