"""The export: stored calls become events in the spool at once; a task a sink takes them on from there."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from midwatch_compliance.siem.event import as_json, events_of
from midwatch_compliance.siem.numbers import LOST, SPOOL, WAITING
from midwatch_compliance.siem.positions import PositionFile
from midwatch_compliance.siem.shipping import Shipping
from midwatch_compliance.siem.sinks.sink import Sink
from midwatch_compliance.siem.spool import Spool
from midwatch_core import Exchange, Metrics

logger = logging.getLogger(__name__)

FOLDER = "siem"
# A power cut may cost what was added since: a death of the process costs nothing.
_SYNC_S = 1.0


class Export:
    """Takes stored calls from the pipeline's loop, which never waits for a sink or a disk's head."""

    def __init__(self, home: Path, sinks: Sequence[Sink], metrics: Metrics, *, max_bytes: int) -> None:
        folder = home / FOLDER
        self._spool = Spool(folder, max_bytes=max_bytes)
        self._metrics = metrics
        self._shippings = [
            Shipping(sink=sink, spool=self._spool, places=PositionFile(folder, sink.name), metrics=metrics)
            for sink in sinks
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Open the spool and set out. Raises OSError."""
        self._spool.open()
        for shipping in self._shippings:
            shipping.begin()
            self._tasks.append(asyncio.create_task(self._ship(shipping)))
        self._tasks.append(asyncio.create_task(self._sync()))

    def take(self, exchanges: Iterable[Exchange]) -> None:
        """Write down the events of stored calls. What the disk does not take is counted for every sink."""
        lines = [orjson.dumps(as_json(event)) for exchange in exchanges for event in events_of(exchange)]
        if not lines:
            return
        try:
            self._spool.append(lines)
            self._make_room()
        except OSError as error:
            logger.error("siem: %d events can't be written down: %s", len(lines), error)
            for shipping in self._shippings:
                self._metrics.add(LOST, len(lines), (shipping.sink.name, "disk"))
        self._count()
        for shipping in self._shippings:
            shipping.news.set()

    async def close(self) -> None:
        """Stop where each sink is; what waits goes out after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for shipping in self._shippings:
            await shipping.sink.close()
        try:
            self._spool.close()
        except OSError as error:
            logger.error("siem: the spool can't be written: %s", error)

    def _make_room(self) -> None:
        """Nobody waits for a sink that is dead: the oldest go, and are counted."""
        for segment in self._spool.make_room():
            for shipping in self._shippings:
                shipping.lose(segment)
            self._spool.drop(segment)

    async def _ship(self, shipping: Shipping) -> None:
        while True:
            shipping.news.clear()
            while await shipping.step(asyncio.sleep):
                self._clear_up()
            await shipping.news.wait()

    def _clear_up(self) -> None:
        """Segments that every sink has are not needed any more."""
        try:
            self._spool.drop_before(min(shipping.position for shipping in self._shippings))
        except OSError as error:
            logger.error("siem: what was sent can't be removed: %s", error)
        self._count()

    def _count(self) -> None:
        self._metrics.set(SPOOL, self._spool.size_bytes)
        for shipping in self._shippings:
            self._metrics.set(WAITING, self._spool.waiting(shipping.position), (shipping.sink.name,))

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_S)
            try:
                await asyncio.to_thread(self._spool.sync)
            except OSError as error:
                logger.error("siem: the spool can't be written: %s", error)
