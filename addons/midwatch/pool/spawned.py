"""One process of the pool as its owner sees it: started, asked, watched, and killed where it must be."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from midwatch.home import Home
from midwatch.pool.errors import Ending, ProcessLostError
from midwatch.pool.frames import receive
from midwatch.pool.printed import log_what_is_printed
from midwatch.pool.resident import resident_bytes

# What a start may take: imports, and each plugin's `startup`.
_START_S = 30.0
# From sending a call to its begin: the text must go through the pipe.
_ENTRY_S = 5.0
# How often the memory of a process at work is looked at.
_LOOK_S = 0.05
_CLOSE_S = 3.0
_LAST_WORDS_S = 0.2
_MEGABYTE = 1024 * 1024


class PoolProcess:
    """A living process. Whoever gets ProcessLostError from it must `kill` it: nothing more will come of it."""

    def __init__(self, process: asyncio.subprocess.Process, most_bytes: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._writer = process.stdin
        self._reader = process.stdout
        self._most_bytes = most_bytes
        self._printing = asyncio.create_task(log_what_is_printed(process.stderr))
        self.failed: dict[str, str] = {}
        self.began_s = time.monotonic()
        self.ready = False

    @classmethod
    async def start(cls, home: Home, plugins: Sequence[str], *, most_bytes: int) -> "PoolProcess":
        """A process with its plugins started; those whose startup raised are in `failed`. Raises ProcessLostError."""
        words = [word for name in plugins for word in ("--plugin", name)]
        try:
            made = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "midwatch.pool.process", "--home", str(home.root), *words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessLostError(Ending.START, f"it could not be started: {error}") from error
        process = cls(made, most_bytes)
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(process.kill)
            await process._become_ready()
            unless_ready.pop_all()
        return process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None and not self._reader.at_eof()

    def resident(self) -> int:
        """Its memory in bytes, 0 where the system does not tell."""
        return resident_bytes(self.pid) or 0

    async def ask(self, frame: bytes, plugin: str, deadline_s: float) -> tuple[dict[str, Any], float]:
        """The answer to a call, and the seconds it took. Raises ProcessLostError; with `plugin` once its hook began."""
        sending = asyncio.create_task(self._send(frame))
        try:
            await self._next(None, deadline_s + _ENTRY_S)
            began_s = time.monotonic()
            answer = await self._next(plugin, deadline_s)
            return answer, time.monotonic() - began_s
        finally:
            sending.cancel()

    async def kill(self) -> None:
        """End it and all that it started, now."""
        with suppress(ProcessLookupError, PermissionError):  # gone already
            os.killpg(self.pid, signal.SIGKILL)
        await self._buried()

    async def close(self) -> None:
        """Hang up: it ends by itself, after its plugins' `shutdown`; killed where it does not."""
        self._writer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._process.wait()
        await self.kill()

    async def _buried(self) -> None:
        await self._process.wait()
        self._writer.close()
        await asyncio.wait({self._printing}, timeout=_LAST_WORDS_S)
        self._printing.cancel()
        await asyncio.gather(self._printing, return_exceptions=True)

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

    async def _send(self, frame: bytes) -> None:
        with suppress(OSError):  # a dead process is seen where its answer is awaited
            self._writer.write(frame)
            await self._writer.drain()

    async def _next(self, plugin: str | None, deadline_s: float) -> dict[str, Any]:
        """What the process says next; `plugin` is whose fault it is where nothing comes."""
        until_s = time.monotonic() + deadline_s
        receiving = asyncio.ensure_future(receive(self._reader))
        try:
            while not receiving.done():
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise ProcessLostError(Ending.HANG, f"no answer within {deadline_s:g} s", plugin=plugin)
                await asyncio.wait({receiving}, timeout=min(left_s, _LOOK_S))
                if not receiving.done():
                    self._check_memory(plugin)
            return receiving.result()
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise ProcessLostError(Ending.CRASH, await self._ending(error), plugin=plugin) from error
        finally:
            receiving.cancel()

    def _check_memory(self, plugin: str | None) -> None:
        if self.resident() > self._most_bytes:
            says = f"the process took more than {self._most_bytes // _MEGABYTE} MB"
            raise ProcessLostError(Ending.MEMORY, says, plugin=plugin)

    async def _ending(self, error: Exception) -> str:
        """How the process ended; one that closed its pipe but lives on has said nonsense."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                code = await self._process.wait()
                return f"the process ended by {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"
        return "the process spoke nonsense" if isinstance(error, ValueError) else "the process hung up"
