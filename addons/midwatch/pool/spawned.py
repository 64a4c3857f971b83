"""One process of the pool as its owner sees it: started with its plugins, asked, and killed where it must be."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from midwatch.home import Home
from midwatch.pool.errors import ProcessLostError
from midwatch_core.children.errors import ChildLostError, Ending
from midwatch_core.children.piped import PipedChild

# What a start may take: imports, and each plugin's `startup`.
_START_S = 30.0
# From sending a call to its begin: the text must go through the pipe.
_ENTRY_S = 5.0


class PoolProcess:
    """A living process. Whoever gets ProcessLostError from it must `kill` it: nothing more will come of it."""

    def __init__(self, child: PipedChild) -> None:
        self._child = child
        self.failed: dict[str, str] = {}
        self.began_s = child.began_s
        self.ready = False

    @classmethod
    async def start(cls, home: Home, plugins: Sequence[str], *, most_bytes: int) -> "PoolProcess":
        """A process with its plugins started; those whose startup raised are in `failed`. Raises ProcessLostError."""
        words = ["-m", "midwatch.pool.process", "--home", str(home.root)]
        words += [word for name in plugins for word in ("--plugin", name)]
        try:
            process = cls(await PipedChild.start(words, name="scan pool", most_bytes=most_bytes))
        except ChildLostError as lost:
            raise ProcessLostError(lost.ending, str(lost)) from lost
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(process.kill)
            await process._become_ready()
            unless_ready.pop_all()
        return process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._child.lives

    def resident(self) -> int:
        """Its memory in bytes, 0 where the system does not tell."""
        return self._child.resident()

    async def ask(self, frame: bytes, plugin: str, deadline_s: float) -> tuple[dict[str, Any], float]:
        """The answer to a call, and the seconds it took. Raises ProcessLostError; with `plugin` once its hook began."""
        self._child.send(frame)
        await self._next(None, deadline_s + _ENTRY_S)
        began_s = time.monotonic()
        answer = await self._next(plugin, deadline_s)
        return answer, time.monotonic() - began_s

    async def kill(self) -> None:
        """End it and all that it started, now."""
        await self._child.kill()

    async def close(self) -> None:
        """Hang up: it ends by itself, after its plugins' `shutdown`; killed where it does not."""
        await self._child.close()

    async def _become_ready(self) -> None:
        starting: str | None = None
        while not self.ready:
            try:
                said = await self._next(starting, _START_S)
            except ProcessLostError as lost:
                raise ProcessLostError(Ending.START, f"at its start: {lost}", plugin=starting) from lost
            starting = said.get("starting", starting)
            if "failed" in said:
                self.failed[str(said["failed"])] = str(said["error"])
            self.ready = "ready" in said

    async def _next(self, plugin: str | None, deadline_s: float) -> dict[str, Any]:
        """What the process says next; `plugin` is whose fault it is where nothing comes."""
        try:
            return await self._child.next(deadline_s)
        except ChildLostError as lost:
            raise ProcessLostError(lost.ending, str(lost), plugin=plugin) from lost
