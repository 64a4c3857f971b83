"""A text as a model reads it: windows of its tokens, and where in the text each is."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch_core import windows_of
from midwatch_ml.loading.refused import refused
from midwatch_ml.loading.wish import Wish

# A window of almost one token only is none that any text of people makes, and what a model says of it means nothing.
_LEAST_TOKENS = 3
_SHARE = 2 / 3
_MOST_DISTINCT = 4
_UNKNOWN = ("[UNK]", "<unk>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Token ids with the model's own marks around them, and the code points they stand for. `hollow`: not worth it."""

    ids: tuple[int, ...]
    start: int
    end: int
    hollow: bool


class Reader:
    """Cuts texts into windows. `tokenizer` is one of the library `tokenizers`; it is kept from cutting and padding."""

    def __init__(self, wish: Wish, tokenizer: Any) -> None:
        """Raises ModelError for a window that has no room for a token."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        marks = tokenizer.encode("a")
        self._tokenizer = tokenizer
        self._before, self._after = _marks(marks.ids, marks.special_tokens_mask)
        self._unknown = {tokenizer.token_to_id(mark) for mark in _UNKNOWN}
        around = len(self._before) + len(self._after)
        self._size, self._stride = wish.window - around, max(1, min(wish.stride, wish.window) - around)
        self._most = wish.max_windows
        if self._size < 1:
            raise refused(wish.id, f"window: {wish.window} tokens leave no room: {around} are marks of the model")

    def read(self, text: str) -> tuple[list[Window], int]:
        """The windows of a text, in order, and how many of its tokens are in none of them."""
        # Half a surrogate pair is no text to the library; `?` keeps all places.
        encoding = self._tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
        ids: list[int] = encoding.ids
        offsets: list[tuple[int, int]] = encoding.offsets
        spans = windows_of(len(ids), self._size, self._stride, self._most)
        return [self._window(ids[a:b], offsets[a][0], offsets[b - 1][1]) for a, b in spans.spans], spans.skipped

    def _window(self, ids: Sequence[int], start: int, end: int) -> Window:
        return Window(
            ids=(*self._before, *ids, *self._after), start=start, end=end, hollow=hollow(ids, unknown=self._unknown)
        )


def hollow(ids: Sequence[int], *, unknown: Collection[int | None]) -> bool:
    """Whether tokens are one token over and over: means over them are off any scale, and nobody can hide a text there.

    An unknown token is no such: strange letters are how texts are disguised.
    """
    if len(ids) < _LEAST_TOKENS:
        return False
    counts = Counter(ids)
    token, times = counts.most_common(1)[0]
    return times / len(ids) >= _SHARE and len(counts) <= _MOST_DISTINCT and token not in unknown


def _marks(ids: Sequence[int], special: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The marks that a model wants before and behind a text."""
    inner = [index for index, mark in enumerate(special) if not mark]
    first, last = (inner[0], inner[-1] + 1) if inner else (len(ids), len(ids))
    return tuple(ids[:first]), tuple(ids[last:])
