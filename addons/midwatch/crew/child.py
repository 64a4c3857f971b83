"""One process that is to live: started, watched, and started again when it dies; the supervisor has one for each."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from signal import Signals

from midwatch_core.children.backoff import Backoff
from midwatch_core.children.crash_loop import CrashLoop

logger = logging.getLogger(__name__)

# A child that ends with this found its place taken (another control holds the home): asked again, without alarm.
EXIT_HELD = 75
# A child that ends with this was asked for something that can't be: its settings are wrong, and will be next time.
EXIT_WRONG_USE = 2
_HELD_DELAY_S = 1.0
_LOOK_S = 0.05
# A child that should put things in order at its end is given this long to get to its work first.
_ARRIVE_S = 10.0


def _never() -> bool:
    return False


class Child:
    """A command that is kept running. It is told `--ready FD` and writes a byte there once it does its work.

    In a crash loop it waits as long as it ever would, where `spared` says that others do its work meanwhile.
    """

    def __init__(
        self, name: str, command: Sequence[str], descriptors: Sequence[int], *, spared: Callable[[], bool] = _never
    ) -> None:
        self.name = name
        self.restarts = 0
        self.began_s = time.monotonic()
        self._command = list(command)
        self._descriptors = list(descriptors)
        self._spared = spared
        self._backoff = Backoff()
        self._crashes = CrashLoop()
        self._at_work_since_s: float | None = None
        self._renewing = False
        self._killed = False
        self._process: asyncio.subprocess.Process | None = None
        self._ready = False
        self._was_ever_ready = False
        self._held = 0
        self.refused = asyncio.Event()
        # It is at its work, or its place is taken, or it is not wanted any more.
        self._settled = asyncio.Event()
        self._stopping = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The living process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def at_work(self) -> bool:
        """It lives, and said that it does its work."""
        return self._ready and self.pid is not None

    @property
    def renewing(self) -> bool:
        """It was told to end, and its next life has not begun."""
        return self._renewing

    @property
    def degraded(self) -> bool:
        """It died again and again, and has not worked for long since."""
        return self._crashes.is_on(time.monotonic(), self._at_work_since_s if self.at_work else None)

    def start(self) -> None:
        """Keep it alive from now on, in the running loop."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):  # it ended a moment ago
                self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, for good."""
        self._killed = True
        self._stopping.set()
        self._settled.set()
        self.signal(signal.SIGKILL)

    async def renew(self, deadline_s: float) -> None:
        """SIGTERM, and SIGKILL after the deadline; then its next life begins at once."""
        process = self._process
        if process is None or process.returncode is not None:
            return  # between two lives: the next is a new one
        self._renewing = True
        self._settled.clear()
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(deadline_s):
                await process.wait()
        except TimeoutError:
            logger.error("%s did not end within %.0f s: killed", self.name, deadline_s)
            self.signal(signal.SIGKILL)

    async def stop(self, deadline_s: float, *, when_ready: bool = False, by: Signals = Signals.SIGTERM) -> bool:
        """SIGTERM, or another signal to one at its work, and SIGKILL after the deadline; whether it ended in order.

        `when_ready`: one that is starting, or about to be started again, is left to get to its work first, for the
        sake of what it does at its end.
        """
        if self._keeper is None:
            return True
        if when_ready:
            await self.arrived(_ARRIVE_S)
            await self._found_taken_twice()
        self._stopping.set()
        self.signal(by if self.at_work else signal.SIGTERM)
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.shield(self._keeper)
        except TimeoutError:
            logger.error("%s did not end within %.0f s: killed", self.name, deadline_s)
            self.kill()
            await self._keeper
        return self._ended_in_order()

    async def arrived(self, within_s: float) -> None:
        """Wait until it is at its work, its place is taken or it is not wanted any more; that long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._settled.wait()

    async def _found_taken_twice(self) -> None:
        """Where another has its place: ask again until it is ours, or that other was seen alive twice from now on.

        Asked a second apart, so the other lived on after all that it is to see to was there.
        """
        if not self._held:
            return
        enough = self._held + 2
        with suppress(TimeoutError):
            async with asyncio.timeout(_ARRIVE_S):
                while not self._ready and self._held < enough:  # noqa: ASYNC110  # two conditions, for seconds at most
                    await asyncio.sleep(_LOOK_S)

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            delay_s = await self._live()
            if delay_s is None:
                return
            # Dead before it was asked to stop: nothing of its end concerns the exit code.
            self._process = None
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._stopping.wait()

    async def _live(self) -> float | None:
        """One life, from start to end; the delay to the next one, None where there is to be none."""
        began_s = self.began_s = time.monotonic()
        try:
            process = await self._spawn()
        except OSError as error:  # no memory or no process to be had: that may pass
            logger.error("%s could not be started: %s", self.name, error)
            return self._backoff.after(0.0, was_ready=False)
        if self._stopping.is_set():
            self.signal(signal.SIGKILL if self._killed else signal.SIGTERM)  # it came while this was being made
        code = await process.wait()
        if self._stopping.is_set() or self._refuses(code):
            return None
        return self._delay_s(code, time.monotonic() - began_s)

    def _refuses(self, code: int) -> bool:
        """Wrong settings at the very first start are for a person to mend; later ones may be mended meanwhile."""
        if code != EXIT_WRONG_USE or self._was_ever_ready:
            return False
        self.refused.set()
        self._settled.set()
        return True

    def _delay_s(self, code: int, lived_s: float) -> float:
        renewing, self._renewing = self._renewing, False
        if code == EXIT_HELD:
            self._held += 1
            self._settled.set()
            return _HELD_DELAY_S
        self._settled.clear()
        if renewing:
            return 0.0
        self.restarts += 1
        delay_s = self._backoff.after(lived_s, was_ready=self._ready)
        if self._crashes.died(time.monotonic()) and self._spared():
            delay_s = self._backoff.limit_s
        logger.error("%s ended (%s) after %.1f s; again in %.1f s", self.name, _ending(code), lived_s, delay_s)
        return delay_s

    async def _spawn(self) -> asyncio.subprocess.Process:
        hear, tell = os.pipe()
        with ExitStack() as unless_spawned, ExitStack() as always:
            unless_spawned.callback(os.close, hear)
            always.callback(os.close, tell)
            self._ready = False
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                "--ready",
                str(tell),
                pass_fds=[*self._descriptors, tell],
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
            )
            unless_spawned.pop_all()
        asyncio.get_running_loop().add_reader(hear, self._heard, hear, self._process)
        return self._process

    def _heard(self, hear: int, process: asyncio.subprocess.Process) -> None:
        """The child is ready, or gone."""
        if os.read(hear, 1) and process is self._process:
            self._ready = self._was_ever_ready = True
            self._at_work_since_s = time.monotonic()
            self._held = 0
            self._settled.set()
        asyncio.get_running_loop().remove_reader(hear)
        os.close(hear)

    def _ended_in_order(self) -> bool:
        if self._process is None:
            return True
        # SIGTERM meets a child that is still importing before it has a handler: there was nothing to put in order.
        unready = self._process.returncode == -signal.SIGTERM and not self._ready
        return unready or self._process.returncode in (0, EXIT_HELD, EXIT_WRONG_USE)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # one of the real-time signals, of which two alone have names
        return f"signal {-code}"
