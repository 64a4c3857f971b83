"""Shipping: one sink's way through the spool. What it can't send waits; what is refused is counted and left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import orjson

from midwatch_compliance.siem.backoff import Backoff
from midwatch_compliance.siem.event import SiemEvent, event_of
from midwatch_compliance.siem.numbers import FAILURES, LOST, SENT
from midwatch_compliance.siem.positions import PositionFile
from midwatch_compliance.siem.sinks.sink import Sink, SinkError
from midwatch_compliance.siem.spool import Line, Position, Spool
from midwatch_core import Metrics

logger = logging.getLogger(__name__)

BATCH = 200


@dataclass(slots=True, kw_only=True)
class Shipping:
    """`step` sends one batch; `news` is set when there may be one.

    The sink's place is kept after each: a death sends that batch again, and loses none.
    """

    sink: Sink
    spool: Spool
    places: PositionFile
    metrics: Metrics
    position: Position = Position()  # noqa: RUF009  # frozen: one value serves all
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _backoff: Backoff = field(default_factory=Backoff)

    def begin(self) -> None:
        """Go on where it was; a sink that is new here begins with what comes."""
        kept = self.places.read()
        self.position = self.spool.end if kept is None or kept > self.spool.end else kept
        if kept != self.position:
            self._keep(self.position)

    async def step(self, sleep: Callable[[float], Awaitable[None]]) -> bool:
        """Send the next batch, if there is one; whether there may be more. After a failure it sleeps."""
        try:
            lines = self.spool.read(self.position, limit=BATCH)
        except OSError as error:
            logger.error("siem %s: the spool can't be read: %s", self.sink.name, error)
            await sleep(self._backoff.failed())
            return True
        if not lines:
            return False
        try:
            await self._send(lines)
        except SinkError as error:
            self._told(error)
            await sleep(self._backoff.failed(error.wait_s))
            return True
        self._backoff.succeeded()
        return True

    def lose(self, segment: int) -> None:
        """A segment goes to make room: count what of it was never sent, and pass over it."""
        try:
            lost = self.spool.lines_after(segment, self.position)
        except OSError:
            lost = 0
        if lost:
            self.metrics.add(LOST, lost, (self.sink.name, "full"))
        if self.position.segment <= segment:
            self._keep(Position(segment + 1, 0))

    async def _send(self, lines: Sequence[Line]) -> None:
        """A batch; one that is refused goes event by event, so that one alone is left out. Raises SinkError."""
        try:
            await self._deliver(lines)
        except SinkError as error:
            if not error.refused:
                raise
            for line in lines if len(lines) > 1 else ():
                await self._send([line])
            if len(lines) == 1:
                self._told(error)
                self.metrics.add(LOST, 1, (self.sink.name, "refused"))
        self._keep(lines[-1].after)

    async def _deliver(self, lines: Sequence[Line]) -> None:
        events = [event for event in map(_read, lines) if event is not None]
        if unreadable := len(lines) - len(events):
            self.metrics.add(LOST, unreadable, (self.sink.name, "unreadable"))
        if events:
            await self.sink.send(events)
            self.metrics.add(SENT, len(events), (self.sink.name,))

    def _keep(self, position: Position) -> None:
        self.position = position
        try:
            self.places.write(position)
        except OSError as error:  # what was sent goes out again after a restart
            logger.error("siem %s: its place can't be kept: %s", self.sink.name, error)

    def _told(self, error: SinkError) -> None:
        self.metrics.add(FAILURES, 1, (self.sink.name,))
        failures = self._backoff.failures + 1
        if failures & (failures - 1) == 0:  # 1st, 2nd, 4th, …: a dead receiver must not fill the log
            logger.warning("siem %s: %s", self.sink.name, error)


def _read(line: Line) -> SiemEvent | None:
    try:
        return event_of(orjson.loads(line.data))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
