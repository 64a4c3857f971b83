"""The live feed: rows to whoever listens, as they are stored. A slow listener loses its own oldest rows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from midwatch_core.listing import ExchangeRow, row_of
from midwatch_core.model.exchange import Exchange

_QUEUE_ROWS = 1000


class Live:
    """Implements `LiveFeed`."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[ExchangeRow]] = set()

    def publish(self, exchanges: Sequence[Exchange]) -> None:
        """Tell all listeners."""
        if not self._queues:
            return
        for row in map(row_of, exchanges):
            for queue in self._queues:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(row)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[ExchangeRow]]:
        """Rows from now on."""
        queue: asyncio.Queue[ExchangeRow] = asyncio.Queue(_QUEUE_ROWS)
        self._queues.add(queue)
        try:
            yield _rows(queue)
        finally:
            self._queues.discard(queue)


async def _rows(queue: asyncio.Queue[ExchangeRow]) -> AsyncIterator[ExchangeRow]:
    while True:
        yield await queue.get()
