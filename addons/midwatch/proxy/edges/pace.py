"""Whose request bodies come too slowly: a pure state machine. Counterpart: `patience`."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from midwatch.lean.arriving import Arriving


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A body, and what had come of it when this stretch of time began."""

    body: Arriving
    size: int
    since_s: float


@dataclass(slots=True)
class Pace:
    """One body a connection: over each `span_s`, it must bring `least_per_s` bytes a second on average; 0 is no bound.

    Each stretch stands for itself: what came fast at first is no excuse later. Times never step back.
    """

    least_per_s: float
    span_s: float
    _stretches: dict[str, _Stretch] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._stretches)

    def begin(self, connection: str, body: Arriving, now_s: float) -> None:
        """A body is on its way; it has a whole stretch from now on."""
        self._stretches[connection] = _Stretch(body=body, size=body.size, since_s=now_s)

    def end(self, connection: str) -> None:
        """The client has gone."""
        self._stretches.pop(connection, None)

    def late(self, now_s: float) -> Iterator[tuple[str, Arriving]]:
        """Connection and body of each that brought too little; they are not minded any more."""
        for connection, stretch in list(self._stretches.items()):
            took_s, body = now_s - stretch.since_s, stretch.body
            if body.ended:
                del self._stretches[connection]
            elif took_s >= self.span_s:
                if body.size - stretch.size >= self.least_per_s * took_s:
                    self.begin(connection, body, now_s)
                else:
                    del self._stretches[connection]
                    yield connection, body
