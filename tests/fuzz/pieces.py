"""How the bytes of a fuzzer are taken apart: a few numbers at their front, and a body that comes in pieces."""

import random
from collections.abc import Iterator, Sequence
from typing import Any


class Given:
    """Bytes of a fuzzer. Numbers are taken from the front, so that a change of the body leaves the choices alone."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """The next byte; 0 where there is none left."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def one_of[Item](self, items: Sequence[Item]) -> Item:
        """One of `items`."""
        return items[self.number() % len(items)]

    def rest(self) -> bytes:
        """What is left."""
        return self._data[self._at :]


def pieces(body: bytes, seed: int) -> list[bytes]:
    """The body cut anywhere: seed 0 gives every byte alone, any other the same cuts each time."""
    if seed == 0:
        return [body[at : at + 1] for at in range(len(body))]
    return list(_cut(body, random.Random(seed)))


def _cut(body: bytes, choice: random.Random) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        size = choice.choice((1, 2, 3, 7, 20, 100, 1000))
        yield body[at : at + size]
        at += size


def fed(framer: Any, chunks: list[bytes]) -> list[Any]:
    """All that a framer or cutter gives for these chunks, its end included."""
    return [*(event for chunk in chunks for event in framer.feed(chunk)), *framer.close()]
