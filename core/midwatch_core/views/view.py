"""A view: a text made from another, with the way back."""

from midwatch_core.views.origins import Origin


class View:
    """A text made from another. `how` says in which way: `original`, `normalised`, `base64`, `base64+url`, …"""

    __slots__ = ("_offsets", "_source", "how", "text")

    def __init__(self, text: str, how: str, offsets: Origin | None = None, source: "View | None" = None) -> None:
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
