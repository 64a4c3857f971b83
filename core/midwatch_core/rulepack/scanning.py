"""One view of a text while rules are matched on it: encoded and folded once, spans given in code points."""

from collections.abc import Callable, Iterator

from midwatch_core.rulepack.compiling import Pattern

type Span = tuple[int, int]


class Scan:
    """A view's text (`text`) for RE2: its UTF-8 (`data`), made once. `original` leads spans back to the original."""

    __slots__ = ("_ascii", "_folded", "data", "how", "original", "text")

    def __init__(self, text: str, how: str, original: Callable[[int, int], Span]) -> None:
        self.text = text
        self.how = how
        self.original = original
        self.data = text.encode("utf-8", "surrogatepass")
        self._ascii = len(self.data) == len(text)
        self._folded: bytes | None = None

    @property
    def folded(self) -> bytes:
        """The case-folded text in UTF-8; no offsets lead back from it."""
        if self._folded is None:
            self._folded = self.text.casefold().encode("utf-8", "surrogatepass")
        return self._folded

    def has(self, pattern: Pattern) -> bool:
        """Whether the pattern matches anywhere."""
        return pattern.compiled.search(self.data) is not None

    def spans(self, pattern: Pattern, group: int) -> Iterator[Span]:
        """Code points of each match's `group`, in order, or of the whole match where the group took no part."""
        chars = bytes_ = 0
        for found in pattern.compiled.finditer(self.data):
            start, end = found.span(group)
            if start < 0:
                start, end = found.span()
            if start == end:
                continue
            if self._ascii:
                yield start, end
                continue
            chars += self._length(bytes_, start)
            length = self._length(start, end)
            yield chars, chars + length
            chars, bytes_ = chars + length, end

    def _length(self, start: int, end: int) -> int:
        return len(self.data[start:end].decode("utf-8", "surrogatepass"))
