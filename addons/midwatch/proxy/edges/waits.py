"""Whom a worker waits for, and until when: a pure state machine. Counterpart: `patience`."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A wait for a client: `edge` names what it is late with, `until_s` is when it is."""

    edge: str
    until_s: float


@dataclass(slots=True)
class Waits:
    """One wait a connection at most: a new one takes the place of the last. Times never step back."""

    _waits: dict[str, Wait] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waits)

    def begin(self, connection: str, edge: str, until_s: float) -> None:
        """Something is expected of a client."""
        self._waits[connection] = Wait(edge=edge, until_s=until_s)

    def end(self, connection: str) -> str | None:
        """It came, or the client has gone; the edge it was, if there was one."""
        wait = self._waits.pop(connection, None)
        return None if wait is None else wait.edge

    def waits_for(self, connection: str) -> bool:
        """Whether something is expected of this client."""
        return connection in self._waits

    def late(self, now_s: float) -> Iterator[tuple[str, str]]:
        """Connection and edge of each that is late; they are not waited for any more."""
        late = [(connection, wait.edge) for connection, wait in self._waits.items() if wait.until_s <= now_s]
        for connection, edge in late:
            del self._waits[connection]
            yield connection, edge
