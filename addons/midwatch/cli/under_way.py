"""Lines that are answered while others are read: many under way, each told when its turn has come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from threading import Thread

from midwatch_core.errors import ConfigError

# Lines under way at most, and their bytes: who answers must not be made to think longer than it has patience for.
_MOST_LINES = 64
_MOST_BYTES = 64 * 1024

type Line = bytes | None


class UnderWay[Answer]:
    """Reads lines in a thread of its own, for a reader may have to wait for its writer, who may wait for an answer."""

    def __init__(self, lines: Iterator[Line], answer: Callable[[Line], Awaitable[Answer]]) -> None:
        self._lines = lines
        self._answer = answer
        self._bytes = 0
        self._room = asyncio.Condition()
        self._queue: asyncio.Queue[asyncio.Future[Answer] | ConfigError | None] = asyncio.Queue(_MOST_LINES - 1)

    async def answers(self) -> AsyncIterator[Answer]:
        """The answers, in the order of the lines. Raises ConfigError, as reading does."""
        Thread(target=self._read, args=(asyncio.get_running_loop(),), daemon=True, name="midwatch-lines").start()
        while (item := await self._queue.get()) is not None:
            if isinstance(item, ConfigError):
                raise item
            yield await item

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        end: ConfigError | None = None
        try:
            for line in self._lines:
                if not _done(self._begin(line), loop):
                    return
        except ConfigError as error:
            end = error
        _done(self._queue.put(end), loop)

    async def _begin(self, line: Line) -> None:
        """Begin with a line when there is room; one that is longer than all room goes alone."""
        size = len(line or b"")
        async with self._room:
            await self._room.wait_for(lambda: not self._bytes or self._bytes + size <= _MOST_BYTES)
            self._bytes += size
        await self._queue.put(asyncio.ensure_future(self._answered(line, size)))

    async def _answered(self, line: Line, size: int) -> Answer:
        try:
            return await self._answer(line)
        finally:
            async with self._room:
                self._bytes -= size
                self._room.notify()


def _done(work: Coroutine[None, None, None], loop: asyncio.AbstractEventLoop) -> bool:
    """Have the loop do it, and wait; False where the loop is no more, for nobody wants more answers."""
    try:
        asyncio.run_coroutine_threadsafe(work, loop).result()
    except (CancelledError, RuntimeError):
        work.close()
        return False
    return True
