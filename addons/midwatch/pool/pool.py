"""The scan pool, its owner's side: calls go one at a time to a process that may hang, die or swell."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from midwatch.home import Home
from midwatch.pool.errors import PoolError, ProcessLostError
from midwatch.pool.spawned import PoolProcess
from midwatch.pool.standing import LOST, METRICS, PluginState, Standings
from midwatch_core.children.backoff import Backoff
from midwatch_core.children.errors import Ending
from midwatch_core.children.frames import BrokenFrameError, pack
from midwatch_core.frame import encode
from midwatch_core.guarded import Guard, Outcome
from midwatch_core.metrics import Metrics
from midwatch_core.model.detection import Detection
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Part
from midwatch_core.sound import NonsenseError
from midwatch_core.storage_settings import BreakerSettings

logger = logging.getLogger(__name__)

# The resident memory that a pool process may have after a call; within one, half as much again. A limit on its address
# space would say little: libraries for models reserve many times what they use.
MOST_BYTES = 1024 * 1024 * 1024
# Calls of one plugin that may wait; beyond, the pool is too slow for what is asked, and says so at once.
_MOST_WAITING = 64
# A call that could not begin within so many deadlines is too late for whoever asked.
_PATIENCE = 10
_TRIES = 2


@dataclass(slots=True)
class _Call:
    plugin: str
    hook: str
    frame: bytes
    answer: asyncio.Future[Outcome]
    asked_s: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        return f"{self.plugin}.{self.hook}"

    def failed(self, error: BaseException, seconds: float = 0.0) -> Outcome:
        return Outcome(name=self.name, error=error, seconds=seconds)


class ScanPool:
    """Runs the detectors of `plugins` in a process of their own; make it, use it and close it in one loop.

    Nothing is started before the first call, or `warm`. A call that takes longer than `deadline_s` costs the process
    its life; a plugin that does so three times in a row is disabled. Calls that wait go to the fresh process. How
    calls went is counted in `guard`, where `plugins list` finds it.
    """

    def __init__(
        self,
        home: Home,
        *,
        plugins: Sequence[str],
        deadline_s: float,
        metrics: Metrics | None = None,
        guard: Guard | None = None,
        breakers: BreakerSettings | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.plugins = tuple(plugins)
        self.guard = guard or Guard()
        self._home = home
        self._deadline_s = deadline_s
        self._metrics = metrics or Metrics()
        self._metrics.declare(METRICS)
        self._most_bytes = most_bytes
        self._standings = Standings(self.plugins, breakers=breakers)
        self._waiting: deque[_Call] = deque()
        self._queued: Counter[str] = Counter()
        self._work = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._process: PoolProcess | None = None
        self._backoff = Backoff()
        self._not_before_s = 0.0
        self._no_start: ProcessLostError | None = None
        self._grown: Counter[str] = Counter()
        self._reloading = False
        self._asking = False
        self._closed = False

    async def inspect_text(self, plugin: str, text: str, part: Part) -> Outcome:
        """What the plugin's hook sees in a text: a list of Detection, or an error that names it."""
        header = {"plugin": plugin, "hook": "inspect_text", "part": part.value}
        return await self._call(plugin, "inspect_text", header, text.encode("utf-8", "surrogatepass"))

    async def inspect_exchange(self, plugin: str, exchange: Exchange) -> Outcome:
        """What the plugin's hook sees in a whole call: a list of Finding, or an error that names it."""
        return await self._call(
            plugin, "inspect_exchange", {"plugin": plugin, "hook": "inspect_exchange"}, encode(exchange)
        )

    def state(self, plugin: str) -> PluginState:
        """How a plugin stands. Raises KeyError for one that is not of this pool."""
        return self._standings.state(plugin)

    def report(self, metrics: Metrics) -> None:
        """Set the gauges of the plugins' standing; after `report_plugins`, which knows this process alone."""
        self._standings.report(metrics)

    @property
    def pid(self) -> int | None:
        """The living process."""
        return self._process.pid if self._process is not None and self._process.lives else None

    def warm(self) -> None:
        """Start the process now, in the background: the first call need not wait for it."""
        if self.plugins:
            self._begin()
            self._work.set()

    def reload(self) -> None:
        """Settings are new: the process is replaced before the next call, and disabled plugins are asked again."""
        self._reloading = True
        self._standings.pardon()
        self._work.set()

    async def close(self) -> None:
        """End the process. Calls that wait get an error."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for call in self._waiting:
            _settle(call, call.failed(PoolError(call.plugin, "the scan pool is closed")))
        self._waiting.clear()
        process, self._process = self._process, None
        if process is not None:
            await (process.kill() if self._asking else process.close())

    async def _call(self, plugin: str, hook: str, header: dict[str, Any], body: bytes) -> Outcome:
        loop = asyncio.get_running_loop()
        call = _Call(plugin=plugin, hook=hook, frame=b"", answer=loop.create_future())
        if error := self._standings.disabled(plugin):
            return call.failed(error)
        if self._closed or self._queued[plugin] >= _MOST_WAITING:
            why = "the scan pool is closed" if self._closed else f"{_MOST_WAITING} of its calls wait already"
            return self.guard.record(call.failed(PoolError(plugin, why)))
        try:
            call.frame = pack(header, body)
        except BrokenFrameError as error:
            return self.guard.record(call.failed(PoolError(plugin, str(error))))
        self._waiting.append(call)
        self._queued[plugin] += 1
        self._begin()
        self._work.set()
        return await call.answer

    def _begin(self) -> None:
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._run(), name="midwatch-pool")

    async def _run(self) -> None:
        """Take the calls one by one. Whoever no longer waits for an answer is passed over."""
        while True:
            await self._work.wait()
            self._work.clear()
            with suppress(ProcessLostError):  # who calls will hear of it
                await self._living()
            while self._waiting:
                call = self._waiting.popleft()
                self._queued[call.plugin] -= 1
                if call.answer.done():
                    continue
                try:
                    _settle(call, await self._outcome(call))
                finally:
                    _settle(call, call.failed(PoolError(call.plugin, "the scan pool is closed")))

    async def _outcome(self, call: _Call) -> Outcome:
        late_s = time.monotonic() - call.asked_s
        if late_s > _PATIENCE * self._deadline_s:
            error = TimeoutError(f"plugin {call.plugin}: the scan pool had no time for it in {late_s:.1f} s")
            return self.guard.record(call.failed(error, late_s))
        if refusal := self._standings.refusal(call.plugin):
            return call.failed(refusal)
        return self.guard.record(await self._asked(call))

    async def _asked(self, call: _Call) -> Outcome:
        """The answer of the process; of a fresh one where the first was lost before this call began."""
        lost: ProcessLostError | None = None
        for _ in range(_TRIES):
            try:
                process = await self._living()
                if error := self._standings.disabled(call.plugin):  # its startup failed
                    return call.failed(error)
                before, self._asking = process.resident(), True
                answer, seconds = await process.ask(call.frame, call.plugin, self._deadline_s)
                self._asking = False
            except ProcessLostError as error:
                await self._bury(error)
                if error.plugin == call.plugin:
                    return call.failed(_named(error), self._deadline_s)
                lost = error
            else:
                outcome = self._heard(call, answer, seconds)
                await self._weigh_process(process, call.plugin, process.resident() - before)
                return outcome
        return call.failed(PoolError(call.plugin, f"the scan pool has no process: {lost}"))

    def _heard(self, call: _Call, answer: dict[str, Any], seconds: float) -> Outcome:
        error = answer.get("error")
        items: list[Any] = []
        if error is None:
            try:
                items = _ADAPTERS[call.hook].validate_python(answer.get("items"))
            except ValidationError as wrong:
                error = f"its answer can't be read: {wrong.errors()[0]['msg']}"
        complaint = None if error else answer.get("complaint")
        self._standings.answered(call.plugin, error or complaint)
        if error is not None:
            return call.failed(PoolError(call.plugin, str(error)), seconds)
        if complaint and not items:
            return call.failed(NonsenseError(call.plugin, str(complaint)), seconds)
        if complaint:
            self.guard.complain(call.name, NonsenseError(call.plugin, str(complaint)))
        return Outcome(name=call.name, value=items, seconds=seconds)

    async def _living(self) -> PoolProcess:
        """The process, started where there is none. Raises ProcessLostError."""
        if self._process is not None and self._reloading:
            await self._process.close()
            self._process = None
        self._reloading = False
        if self._process is not None and self._process.lives:
            return self._process
        if self._process is not None:
            await self._bury(ProcessLostError(Ending.IDLE, "the process ended between two calls"))
        wait_s = self._not_before_s - time.monotonic()
        if wait_s > 0 and self._no_start is not None:
            raise self._no_start
        await asyncio.sleep(max(0.0, wait_s))
        return await self._start()

    async def _start(self) -> PoolProcess:
        began_s = time.monotonic()
        try:
            process = await PoolProcess.start(self._home, self._standings.asked(), most_bytes=self._most_bytes * 3 // 2)
        except ProcessLostError as lost:
            self._count(lost)
            self._not_before_s = time.monotonic() + self._backoff.after(time.monotonic() - began_s, was_ready=False)
            # One that a plugin's startup took with it can start without that plugin; another would fail again.
            self._no_start = lost if lost.plugin is None else None
            raise
        self._process, self._no_start = process, None
        self._grown.clear()
        for name, why in process.failed.items():
            self._standings.disable(name, f"its startup failed: {why}")
        logger.info("scan pool started (pid %d) for %s", process.pid, ", ".join(self._standings.asked()))
        return process

    async def _bury(self, lost: ProcessLostError) -> None:
        """Kill what is left of the process, and see who is to blame. What never started is counted already."""
        self._asking = False
        process, self._process = self._process, None
        if process is None:
            return
        lived_s = time.monotonic() - process.began_s
        await process.kill()
        self._count(lost)
        self._not_before_s = time.monotonic() + self._backoff.after(lived_s, was_ready=True)

    def _count(self, lost: ProcessLostError) -> None:
        plugin = lost.plugin or ""
        logger.error("scan pool lost its process%s: %s", f" to plugin {plugin}" if plugin else "", lost)
        self._metrics.add(LOST, 1, (plugin, lost.ending.value))
        if plugin in self.plugins:
            self._standings.lost(plugin, lost)

    async def _weigh_process(self, process: PoolProcess, plugin: str, grown: int) -> None:
        """A process that grew too big over many calls is replaced; who grew it most is named, and may go on."""
        self._grown[plugin] += grown
        if process.resident() <= self._most_bytes:
            return
        worst, size = self._grown.most_common(1)[0]
        says = f"the process took more than {self._most_bytes >> 20} MB, {size >> 20} MB of them in this plugin's calls"
        self.guard.complain(f"{worst}.inspect_text", PoolError(worst, says))
        await self._bury(ProcessLostError(Ending.MEMORY, says, plugin=worst))


def _settle(call: _Call, outcome: Outcome) -> None:
    if not call.answer.done():
        call.answer.set_result(outcome)


def _named(lost: ProcessLostError) -> BaseException:
    assert lost.plugin is not None
    if lost.ending is Ending.HANG:
        return TimeoutError(f"plugin {lost.plugin}: {lost}")
    return PoolError(lost.plugin, str(lost))


_ADAPTERS: dict[str, TypeAdapter[list[Any]]] = {
    "inspect_text": TypeAdapter(list[Detection]),
    "inspect_exchange": TypeAdapter(list[Finding]),
}
