"""A text and its views: what detectors match, each with the way back to the original."""

from collections.abc import Iterator

from midwatch_core.views.decoding import Decoded, decode
from midwatch_core.views.normalising import Normalised, normalise
from midwatch_core.views.smuggled import smuggled
from midwatch_core.views.view import View


class Text:
    """A text whose views are computed once, when first asked for."""

    __slots__ = ("_decoded", "_normalised", "_view", "original")

    def __init__(self, original: str) -> None:
        self.original = original
        self._normalised: Normalised | None = None
        self._view: View | None = None
        self._decoded: Decoded | None = None

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
        """What was found encoded inside, one view a way of encoding, each normalised; two layers deep and bounded."""
        return self._inside().views

    @property
    def decoded_cut(self) -> bool:
        """Whether there is more encoded inside than `decoded` may hold."""
        return self._inside().cut

    def views(self) -> Iterator[View]:
        """Normalised; the original, where something in it was hidden or disguised; then the decoded ones."""
        yield self.normalised
        if self._normalised is not None and self._normalised.uncovered:
            yield View(self.original, "original")
        yield from self.decoded

    def _inside(self) -> Decoded:
        if self._decoded is None:
            seen = self.normalised
            uncovered = self._normalised is not None and self._normalised.uncovered
            self._decoded = decode(seen, smuggled(self.original) if uncovered else ())
        return self._decoded
