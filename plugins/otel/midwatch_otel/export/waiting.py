"""Exchanges that wait to be sent: a queue bounded in number and in bytes, which never makes anybody wait."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from midwatch_core import Exchange

MOST_EXCHANGES = 10_000
MOST_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Waiting:
    """The queue. What finds it full is not taken: what waits longest is sent, whole."""

    most: int = MOST_EXCHANGES
    most_bytes: int = MOST_BYTES
    _queue: deque[Exchange] = field(default_factory=deque)
    _bytes: int = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, exchanges: Iterable[Exchange]) -> int:
        """Take what there is room for; how many there was none for."""
        left_out = 0
        for exchange in exchanges:
            size = _size(exchange)
            if len(self._queue) >= self.most or self._bytes + size > self.most_bytes:
                left_out += 1
                continue
            self._queue.append(exchange)
            self._bytes += size
        return left_out

    def take(self, most: int) -> list[Exchange]:
        """The oldest, and gone from here."""
        some = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._bytes -= sum(map(_size, some))
        return some


def _size(exchange: Exchange) -> int:
    """About what it holds: its bodies."""
    return exchange.request.body_bytes + (exchange.response.body_bytes if exchange.response else 0)
