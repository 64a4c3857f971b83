"""The heartbeat of a worker: its metrics to control every second, and control's calls to reload back."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence

from midwatch.lines import ControlAbsentError, Line, LineClient
from midwatch.proxy.governing.crossing_report import CrossingReport
from midwatch.proxy.inventory.sighting_report import SightingReport
from midwatch_core.metrics import Metrics, to_json
from midwatch_core.pins import Pin, pin_row

INTERVAL_S = 1.0
_SOON_S = 0.05
# Without control a worker goes on alone; it looks for it again this often.
_RETRY_S = 1.0
# A short command may end before control has started: so long its last words wait for that.
_MEET_S = 10.0


def _nothing() -> None:
    pass


def _no_stamp() -> int:
    return 0


class Beat:
    """Keeps a connection to control as long as there is one to be had."""

    def __init__(self, client: LineClient, *, name: str, metrics: Metrics) -> None:
        self._client = client
        self._name = name
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._met = False
        # Another has taken over: we go on for those who are here, and are not counted among those who serve.
        self.leaving = False
        self.report: Callable[[], None] = _nothing
        # What plugins said when they last failed, by name: for people to read, so no metric.
        self.plugin_errors: Callable[[], Mapping[str, str]] = dict
        # Settings changed; asked too when control is found again, if it goes by a later snapshot than ours.
        self.reload: Callable[[], None] = _nothing
        self.stamp: Callable[[], int] = _no_stamp
        self.crossings = CrossingReport()
        self.sightings = SightingReport()
        # Clients that refused our certificate, of which control does not know yet; and that it has written anew
        # those it knows.
        self.pins: Callable[[], Sequence[Pin]] = list
        self.repin: Callable[[], None] = _nothing
        # Tenants or keys changed; asked too when control is found again, for it may have told nobody meanwhile.
        self.readmit: Callable[[], None] = _nothing
        # Another CA signs from now on; asked too when control is found again.
        self.recertify: Callable[[], None] = _nothing

    def start(self) -> None:
        """Begin, in the running loop."""
        self._task = asyncio.create_task(self._keep(), name="midwatch-beat")

    def soon(self) -> None:
        """There is something that other workers should know at once: do not wait for the next second."""
        self._news.set()

    async def stop(self) -> None:
        """Send the last numbers, then end. With something to keep, a control that is still starting is waited for."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        clock = asyncio.get_running_loop()
        deadline_s = clock.time() + _MEET_S
        while not await self._take_leave():
            if self._met or clock.time() > deadline_s or not (self.sightings.waiting or self.pins()):
                return  # control is gone already: nobody is left to tell
            await asyncio.sleep(_SOON_S)

    async def _take_leave(self) -> bool:
        try:
            async with asyncio.timeout(1.0), self._client.open() as line:
                await self._send(line, last=True)
        except (ControlAbsentError, OSError, TimeoutError):
            return False
        return True

    async def _keep(self) -> None:
        while True:
            try:
                async with self._client.open() as line:
                    self._met = True
                    self.sightings.reconnected()
                    listening = asyncio.create_task(self._listen(line))
                    try:
                        await self._beat(line, listening)
                    finally:
                        listening.cancel()
                        await asyncio.gather(listening, return_exceptions=True)
            except (ControlAbsentError, OSError, ValueError):
                pass  # control is being restarted
            await asyncio.sleep(_RETRY_S)

    async def _beat(self, line: Line, listening: asyncio.Task[None]) -> None:
        while not listening.done():
            self._news.clear()
            await self._send(line, last=False)
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait([listening, news], timeout=INTERVAL_S, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            if self._news.is_set():
                await asyncio.sleep(_SOON_S)  # there may be more of it

    async def _send(self, line: Line, *, last: bool) -> None:
        crossings = self.crossings.waiting()
        told = {
            "crossings": crossings,
            "sightings": self.sightings.due(last=last),
            "pins": [pin_row(pin) for pin in self.pins()],
        }
        await line.send({**self._message(last=last), **told})
        self.crossings.arrived(len(crossings))

    async def _listen(self, line: Line) -> None:
        while (message := await line.receive()) is not None:
            if message.get("op") == "met":
                self._catch_up(message.get("stamp"))
            elif message.get("op") == "reload":
                self.reload()
                self.recertify()  # by settings of now the CA may come from elsewhere
            elif message.get("op") == "access":
                self.readmit()
            elif message.get("op") == "pinned":
                self.repin()
            elif message.get("op") == "authority":
                self.recertify()
            elif message.get("op") == "sighted":
                self.sightings.arrived(str(message.get("id")))

    def _catch_up(self, stamp: object) -> None:
        """Control tells us from now on; what it told before that, it told others. `stamp` is of its settings."""
        if isinstance(stamp, int) and 0 < self.stamp() < stamp:  # (0: of no snapshot; higher: of one it will not tell)
            self.reload()
        self.readmit()
        self.repin()
        self.recertify()

    def _message(self, *, last: bool) -> dict[str, object]:
        self.report()
        return {
            "op": "beat",
            "worker": self._name,
            "pid": os.getpid(),
            "last": last,
            "leaving": self.leaving,
            "metrics": to_json(self._metrics.samples()),
            "plugin_errors": self.plugin_errors(),
        }
