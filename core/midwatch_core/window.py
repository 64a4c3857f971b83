"""A rolling window over a stream's text: what a detector is given, with overlap: nothing hides on a boundary."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from midwatch_core.model.detection import Detection
from midwatch_core.model.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSlice:
    """New text behind a piece of what came before. `offset` is where `text` begins in the whole stream's text.

    `text[fresh:]` is new; what stands before was in an earlier slice and is there as context. Code points throughout.
    """

    text: str
    offset: int
    fresh: int


class Window:
    """Text deltas in, slices out at each `step` code points, each with `overlap` code points of context.

    Whatever matches on up to `overlap` code points is whole in one slice, wherever the stream was cut; where slices
    end depends on the text alone, not on how it came. It keeps less than `overlap + step` code points.
    """

    def __init__(self, *, overlap: int = 512, step: int = 512) -> None:
        if overlap < 0 or step < 1:
            raise ValueError(f"a window needs an overlap of at least 0 and a step of at least 1, not {overlap}, {step}")
        self._overlap = overlap
        self._step = step
        self._context = ""
        self._pending: list[str] = []
        self._pending_length = 0
        self._end = 0  # of the context, in the whole text
        self._given: set[tuple[str, int, int]] = set()

    def feed(self, delta: str) -> list[WindowSlice]:
        """The slices that `delta` completes, often none."""
        self._pending.append(delta)
        self._pending_length += len(delta)
        if self._pending_length < self._step:
            return []
        text = "".join(self._pending)
        whole = len(text) - len(text) % self._step
        slices = [self._slice(text[at : at + self._step]) for at in range(0, whole, self._step)]
        self._pending = [text[whole:]]
        self._pending_length = len(text) - whole
        return slices

    def flush(self) -> list[WindowSlice]:
        """What is left at the end of the stream, or when the caller will not wait for a full step."""
        if not self._pending_length:
            return []
        text = "".join(self._pending)
        self._pending = []
        self._pending_length = 0
        return [self._slice(text)]

    def take(self, delta: str) -> WindowSlice | None:
        """One slice with all that is pending, once that is a full step: where slices end depends on how text comes."""
        self._pending.append(delta)
        self._pending_length += len(delta)
        if self._pending_length < self._step:
            return None
        return self.flush()[0]

    def found[T: (Detection, Finding)](self, part: WindowSlice, detections: Iterable[T]) -> list[T]:
        """The detections of a slice that are news, with offsets into the whole text.

        One that begins where a cut begins is left out: the cut may have made it (half a word, half a number), and if
        it is real and within the overlap, an earlier slice had it whole.
        """
        self._given = {key for key in self._given if key[2] > part.offset}
        news: list[T] = []
        for item in detections:
            start, end = (item.start or 0) + part.offset, (item.end or 0) + part.offset
            key = (item.rule, start, end)
            if (not item.start and part.offset > 0) or key in self._given:
                continue
            self._given.add(key)
            news.append(replace(item, start=start, end=end))
        return news

    def _slice(self, new: str) -> WindowSlice:
        text = self._context + new
        part = WindowSlice(text=text, offset=self._end - len(self._context), fresh=len(self._context))
        self._end += len(new)
        self._context = text[max(0, len(text) - self._overlap) :]
        return part
