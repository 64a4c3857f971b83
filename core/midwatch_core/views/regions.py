"""Stretches of a text around places of interest: decoding reads what stands near an escape, never the whole text."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Region(NamedTuple):
    """[start, end) of a text."""

    start: int
    end: int


def regions(search: Callable[[Any, int], Any], text: str | bytes, *, near: int) -> Iterator[Region]:
    """What `search` finds, with `near` code points on both sides, those that meet as one.

    `search` is that of a pattern of `re` or RE2. Half of `near` is skipped behind each find, so that a text that is
    full of them costs little; each has at least the other half behind it.
    """
    start = end = -1
    found = search(text, 0)
    while found:
        first, last = found.span()
        if start >= 0 and first - near > end:
            yield Region(start, end)
            start = -1
        if start < 0:
            start = max(first - near, 0)
        end = min(last + near, len(text))
        found = search(text, last + near // 2)
    if start >= 0:
        yield Region(start, end)
