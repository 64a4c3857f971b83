"""Texts and bytes in pieces, as a stream brings them: what is true of one split must be true of all."""

import random
from collections.abc import Iterable, Iterator

from midwatch_core.model.stream import StreamEvent, StreamKind


def stream_chunks[Data: (str, bytes)](data: Data, *, seed: int = 0, longest: int = 12) -> list[Data]:
    """Pieces of 1 to `longest` characters or bytes, cut where a model might; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # for looks
    pieces: list[Data] = []
    start = 0
    while start < len(data):
        end = start + chance.randint(1, longest)
        pieces.append(data[start:end])
        start = end
    return pieces


def every_split[Data: (str, bytes)](data: Data) -> Iterator[list[Data]]:
    """The whole; cut in two at each place; and one by one."""
    yield [data]
    for place in range(1, len(data)):
        yield [data[:place], data[place:]]
    yield [data[place : place + 1] for place in range(len(data))]


def text_events(pieces: Iterable[str], *, path: str = "/choices/0/message/content") -> list[StreamEvent]:
    """Pieces as the events of a streamed answer, for `inspect_delta`."""
    return [StreamEvent(kind=StreamKind.TEXT, path=path, text=piece) for piece in pieces]
