"""A load generator's connection that asks for a WebSocket: each message it sends is answered by a whole response."""

from __future__ import annotations

import ssl
import time

from benchmarks.frames import LAST_MESSAGE, handshake
from benchmarks.load import Client, Target
from benchmarks.sim import Sim


class SocketClient(Client):
    """One socket. `fetch` sends a message and waits for the last one of its response."""

    def __init__(self, sim: Sim) -> None:
        super().__init__()
        self._sim = sim
        self._open = False

    async def connect(self, target: Target, context: ssl.SSLContext) -> None:
        """Open the connection, and the WebSocket on it."""
        await super().connect(target, context)
        await self._round_trip(handshake(target.sni, self._sim.header()))
        self._open = True

    def _complete(self) -> bool:
        if self._open:
            self._first_body_at = self._first_body_at or time.perf_counter()
            return self._buffer.endswith(LAST_MESSAGE)
        if self._buffer.startswith(b"HTTP/1.1 101"):
            return b"\r\n\r\n" in self._buffer
        return super()._complete()
