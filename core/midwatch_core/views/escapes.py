"""Decoding what is escaped in place, together with the text around it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from midwatch_core.views.origins import Joined, Later, Origin, Piece, Shifted, Through
from midwatch_core.views.regions import Region, regions
from midwatch_core.views.subject import Subject

# A rule's pattern seldom reaches further than this beyond the word that was hidden from it.
NEAR = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape:
    """A way to escape in place.

    A text without `guard` has none. `hiding` is one that hides something, a letter rather than a quote or a slash;
    `written` are all that are decoded near those, alone or several in a row. `text` says what was written, `piece` also
    where it came from.
    """

    guard: str
    hiding: re.Pattern[str]
    written: re.Pattern[str]
    text: Callable[[re.Match[str]], str]
    piece: Callable[[re.Match[str]], Piece]

    def __call__(self, subject: Subject) -> Iterator[Piece]:
        """The regions in which something is hidden, decoded."""
        text = subject.text
        if self.guard not in text:
            return
        for region in regions(self.hiding.search, text, near=NEAR):
            source = text[region.start : region.end]
            decoded = self.written.sub(self.text, source)
            if decoded != source:
                yield Piece(decoded, Later(partial(self._origin, source, region)))

    def _origin(self, source: str, region: Region) -> Origin:
        pieces: list[Piece] = []
        copied = 0
        for found in self.written.finditer(source):
            if found.start() > copied:
                pieces.append(Piece(source[copied : found.start()], Shifted(copied)))
            pieces.append(self.piece(found))
            copied = found.end()
        if copied < len(source):
            pieces.append(Piece(source[copied:], Shifted(copied)))
        return Through(Joined(pieces, ""), Shifted(region.start))
