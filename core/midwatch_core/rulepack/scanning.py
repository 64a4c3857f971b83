"""One view of a text while rules are matched on it: encoded and folded once, spans given in code points."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from midwatch_core.rulepack.blocks import Window, long_runs
from midwatch_core.rulepack.compiling import Pattern

type Span = tuple[int, int]

_COUNTED = 4096
_BEHIND_FIRST = bytes(range(0x80, 0xC0))


class Scan:
    """A view's text (`text`) for RE2: its UTF-8 (`data`), made once. `original` leads spans back to the original."""

    __slots__ = ("_ascii", "_chars", "_folded", "_long_runs", "data", "how", "original", "text")

    def __init__(self, text: str, how: str, original: Callable[[int, int], Span]) -> None:
        self.text = text
        self.how = how
        self.original = original
        self.data = text.encode("utf-8", "surrogatepass")
        self._ascii = len(self.data) == len(text)
        self._folded: bytes | None = None
        self._long_runs: list[Span] | None = None
        self._chars: list[int] = [0]

    @property
    def folded(self) -> bytes:
        """The case-folded text in UTF-8; no offsets lead back from it."""
        if self._folded is None:
            self._folded = self.text.casefold().encode("utf-8", "surrogatepass")
        return self._folded

    @property
    def long_runs(self) -> list[Span]:
        """Where runs of one kind go on for longer than windows allow for, in bytes."""
        if self._long_runs is None:
            self._long_runs = long_runs(self.data)
        return self._long_runs

    def has(self, pattern: Pattern) -> bool:
        """Whether the pattern matches anywhere."""
        return pattern.compiled.search(self.data) is not None

    def spans(self, pattern: Pattern, group: int, windows: Iterable[Window] | None = None) -> Iterator[Span]:
        """Code points of each match's `group`, in order, or of the whole match where the group took no part.

        `windows` are where matches can be (in bytes, in order); None is everywhere.
        """
        for found in self._matches(pattern, windows):
            start, end = found.span(group)
            if start < 0:
                start, end = found.span()
            if start != end:
                yield (start, end) if self._ascii else (self._char(start), self._char(end))

    def _matches(self, pattern: Pattern, windows: Iterable[Window] | None) -> Iterator[Any]:
        if windows is None:
            yield from pattern.compiled.finditer(self.data)
            return
        read = 0
        for begin, begun, end in windows:
            for found in self._within(pattern, (max(begin, read), begun, end)):
                yield found
                read = found.end()

    def _within(self, pattern: Pattern, window: Window) -> Iterator[Any]:
        """Matches that begin in a window."""
        at, begun, end = window
        for found in pattern.compiled.finditer(self.data, at, end):
            if found.start() >= begun and begun < len(self.data):
                return
            yield found

    def _char(self, at: int) -> int:
        """The code point that begins at a byte; counted once for each stretch of the text, when first asked for."""
        chars = self._chars
        while len(chars) <= at // _COUNTED:
            begin = (len(chars) - 1) * _COUNTED
            chars.append(chars[-1] + self._length(begin, begin + _COUNTED))
        return chars[at // _COUNTED] + self._length(at // _COUNTED * _COUNTED, at)

    def _length(self, start: int, end: int) -> int:
        return len(self.data[start:end].translate(None, _BEHIND_FIRST))
