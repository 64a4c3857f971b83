"""Calls of a stream on their way into intake: gathered into batches, the sender held where they are not taken."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from midwatch_core import ToldCall


class Gathering:
    """One puts calls in, one takes batches out. It holds one batch; the next waits with whoever puts.

    A batch goes out with `most_calls`, with `most_bytes`, or `linger_s` after its first call. What is put in at once
    stays together, and may alone be more.
    """

    def __init__(self, *, most_calls: int, most_bytes: int, linger_s: float) -> None:
        self._most_calls = most_calls
        self._most_bytes = most_bytes
        self._linger_s = linger_s
        self._calls: list[ToldCall] = []
        self._bytes = 0
        self._closed = False
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, calls: Sequence[ToldCall], size: int) -> None:
        """Add calls of so many bytes, as soon as there is room for them."""
        if not calls:  # an empty batch would be the end
            return
        while self._calls and not self._has_room(len(calls), size):
            self._room.clear()
            self._full.set()
            await self._room.wait()
        self._calls += calls
        self._bytes += size
        if not self._has_room(1, 1):
            self._full.set()
        self._some.set()

    def close(self) -> None:
        """No more will come."""
        self._closed = True
        self._full.set()
        self._some.set()

    async def batch(self) -> Sequence[ToldCall]:
        """The next batch; empty when all went out and no more will come."""
        await self._some.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._linger_s):
                await self._full.wait()
        batch, self._calls, self._bytes = self._calls, [], 0
        if not self._closed:
            self._some.clear()
            self._full.clear()
        self._room.set()
        return batch

    def _has_room(self, calls: int, size: int) -> bool:
        return len(self._calls) + calls <= self._most_calls and self._bytes + size <= self._most_bytes
