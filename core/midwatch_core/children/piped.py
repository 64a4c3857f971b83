"""A process as its owner sees it: started, asked by frames over its pipes, watched, and killed where it must be."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from midwatch_core.children.errors import ChildLostError, Ending
from midwatch_core.children.frames import LONGEST_ANSWER_BYTES, receive
from midwatch_core.children.patience import Patience, queued_s
from midwatch_core.children.printed import log_what_is_printed
from midwatch_core.children.resident import resident_bytes

# How often the memory of a process at work is looked at.
_LOOK_S = 0.05
_CLOSE_S = 3.0
# For what comes right after its pipes' end: its exit, the rest of what it printed. On a busy machine not at once.
_LAST_WORDS_S = 1.0
_READ_AHEAD_BYTES = 64 * 1024
_MEGABYTE = 1024 * 1024


class PipedChild:
    """A living process. Whoever gets ChildLostError from it must `kill` it: nothing more will come of it.

    Use it in one loop, and always `kill` or `close` it there: then nothing of it is left.
    """

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        pipes: "_Pipes",
        *,
        name: str,
        most_bytes: int,
        longest_bytes: int = LONGEST_ANSWER_BYTES,
        starved_s: float = 0.0,
    ) -> None:
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        assert pipes.stderr is not None
        self.pid = transport.get_pid()
        self.began_s = time.monotonic()
        self._transport = transport
        self._exited = pipes.exited
        self._writer = pipes.stdin
        self._reader = pipes.stdout
        self._most_bytes = most_bytes
        self._longest_bytes = longest_bytes
        self._starved_s = starved_s
        self._printing = asyncio.create_task(log_what_is_printed(pipes.stderr, name))
        self._killing: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        words: Sequence[str],
        *,
        name: str,
        most_bytes: int,
        environment: Mapping[str, str] | None = None,
        longest_bytes: int = LONGEST_ANSWER_BYTES,
        starved_s: float = 0.0,
    ) -> "PipedChild":
        """A new interpreter with these words, in a session of its own, so that what it starts ends with it.

        What it prints goes to the log under `name`; more than `most_bytes` of resident memory, or an answer longer
        than `longest_bytes`, and it is lost. `environment` is added to the owner's. A deadline is later by the time
        that the process waited for a processor, by `starved_s` at most. Raises ChildLostError.
        """
        loop = asyncio.get_running_loop()
        try:
            transport, pipes = await loop.subprocess_exec(
                lambda: _Pipes(loop),
                *(sys.executable, *words),
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        except OSError as error:
            raise ChildLostError(Ending.START, f"it could not be started: {error}") from error
        return cls(transport, pipes, name=name, most_bytes=most_bytes, longest_bytes=longest_bytes, starved_s=starved_s)

    @property
    def lives(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return not self._exited.is_set() and not self._reader.at_eof()

    def resident(self) -> int:
        """Its memory in bytes, 0 where the system does not tell."""
        return resident_bytes(self.pid) or 0

    async def ask(self, frame: bytes, deadline_s: float) -> dict[str, Any]:
        """What it says next, after it was given a frame. Raises ChildLostError."""
        self.send(frame)
        return await self.next(deadline_s)

    def send(self, frame: bytes) -> None:
        """Give it a frame, in the background. That it is dead is seen where its answer is awaited."""
        self._writer.write(frame)

    async def next(self, deadline_s: float) -> dict[str, Any]:
        """What it says next, within the deadline. Raises ChildLostError."""
        patience = Patience(deadline_s, self._starved_s, now_s=time.monotonic(), queued_s=queued_s(self.pid))
        receiving = asyncio.ensure_future(receive(self._reader, self._longest_bytes))
        try:
            while not receiving.done():
                left_s = patience.left_s(time.monotonic(), queued_s(self.pid))
                if left_s <= 0:
                    raise ChildLostError(Ending.HANG, f"no answer within {deadline_s:g} s")
                await asyncio.wait({receiving}, timeout=min(left_s, _LOOK_S))
                if not receiving.done():
                    self._check_memory()
            return receiving.result()
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise ChildLostError(Ending.CRASH, await self._ending(error)) from error
        finally:
            receiving.cancel()

    async def ended(self) -> None:
        """Return once it has."""
        await self._exited.wait()

    async def kill(self) -> None:
        """End it and all that it started, now; to the end also where whoever waits for that is cancelled."""
        self._killing = self._killing or asyncio.create_task(self._kill())
        try:
            await asyncio.shield(self._killing)
        except asyncio.CancelledError:
            await self._killing
            raise

    async def close(self) -> None:
        """Hang up: it ends by itself; killed where it does not."""
        self._writer.close()
        await self._ended_within(_CLOSE_S)
        await self.kill()

    async def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone already
            os.killpg(self.pid, signal.SIGKILL)
        await self._ended_within(_CLOSE_S)
        await asyncio.wait({self._printing}, timeout=_LAST_WORDS_S)
        self._printing.cancel()
        await asyncio.gather(self._printing, return_exceptions=True)
        self._writer.close()
        self._transport.close()
        await asyncio.sleep(0)  # the pipes' transports are told in the loop's next round

    async def _ended_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._exited.wait()
        return self._exited.is_set()

    def _check_memory(self) -> None:
        if self.resident() > self._most_bytes:
            raise ChildLostError(Ending.MEMORY, f"the process took more than {self._most_bytes // _MEGABYTE} MB")

    async def _ending(self, error: Exception) -> str:
        """How the process ended; one that closed its pipe but lives on has said nonsense."""
        if await self._ended_within(_LAST_WORDS_S):
            code = self._transport.get_returncode() or 0
            return f"the process ended by {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"
        return "the process spoke nonsense" if isinstance(error, ValueError) else "the process hung up"


class _Pipes(SubprocessStreamProtocol):
    """A process' streams, as asyncio makes them, and its end.

    asyncio's own `Process.wait` waits for the end of the pipes too. That never comes where nobody reads them, or where
    something else that the process started has them still.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=_READ_AHEAD_BYTES, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()
