"""The inventory in control: what workers saw goes into the store, in small batches, and is forgotten in time.

The other side is `proxy.sighting_report`: a worker keeps a batch until it is told that it is stored.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.model.sighting import Sighting
from midwatch_core.ports import MetadataRepository
from midwatch_core.sighting_rows import sighting_of

logger = logging.getLogger(__name__)
# Batches that wait for the store: workers send again what is not taken.
_MOST_WAITING = 64
# Ids of batches that are stored: one that comes again was acknowledged to a worker that did not hear it.
_REMEMBERED = 1000
_ROWS = 200
_RETRY_S = 2.0
# A batch that the store refuses so often, while it takes others, is given up.
_TRIES = 5
_FORGET_EVERY_S = 3600.0

type Reply = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class _Batch:
    id: str
    sightings: list[Sighting]
    reply: Reply
    tries: int = 0


class SightingStore:
    """Takes batches and stores them, one after the other. With the store away they wait here, or with the workers."""

    def __init__(self, metadata: MetadataRepository) -> None:
        self._metadata = metadata
        self._waiting: dict[str, _Batch] = {}
        self._stored: deque[str] = deque(maxlen=_REMEMBERED)
        self._news = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()
        self._said = False

    def take(self, batches: Iterable[Mapping[str, Any]], reply: Reply) -> None:
        """Batches came with a heartbeat; `reply` reaches the worker. What is no batch is left out."""
        for told in batches:
            try:
                batch = _Batch(str(told["id"]), list(_sightings(told["rows"])), reply)
            except (KeyError, TypeError) as error:
                logger.error("a worker told of sightings in words nobody knows: %r", error)
                continue
            if batch.id in self._stored:
                batch.sightings.clear()  # stored it is: only the worker does not know
            if batch.id in self._waiting:
                self._waiting[batch.id].reply = reply
            elif len(self._waiting) < _MOST_WAITING:
                self._waiting[batch.id] = batch
                self._done.clear()
        self._news.set()

    async def run(self) -> None:
        """Store what comes, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not await self.store():
                await asyncio.sleep(_RETRY_S)
                self._news.set()

    async def settle(self, deadline_s: float) -> None:
        """Wait until all that came is stored, or until the deadline: control is about to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._done.wait()

    async def store(self) -> bool:
        """Store all that waits; whether that went well."""
        for batch in list(self._waiting.values()):
            try:
                await self._put(batch)
            except StorageError as error:
                if not self._said:
                    logger.error("the inventory can't be stored now, and waits: %s", error)
                self._said = True
                if not self._gives_up(batch, error):
                    return False
            else:
                self._said = False
            del self._waiting[batch.id]
            self._stored.append(batch.id)
            await _tell(batch)
        if not self._waiting:
            self._done.set()
        return True

    async def _put(self, batch: _Batch) -> None:
        while batch.sightings:
            await self._metadata.sight(batch.sightings[:_ROWS])
            del batch.sightings[:_ROWS]

    def _gives_up(self, batch: _Batch, error: StorageError) -> bool:
        if isinstance(error, StorageUnavailableError):
            return False
        batch.tries += 1
        if batch.tries < _TRIES:
            return False
        logger.error(
            "%d lines of the inventory are lost: the store will not have them: %s", len(batch.sightings), error
        )
        return True


async def forget_old_sightings(days: Callable[[], float | None], metadata: MetadataRepository, clock: Clock) -> None:
    """Forget lines that were not seen for so many days, now and every hour, for ever. None keeps them."""
    while True:
        term = days()
        if term is not None:
            try:
                gone = await metadata.forget_sightings(before=clock.now() - timedelta(days=term))
            except StorageError as error:
                logger.error("retention of the inventory: %s", error)
            else:
                if gone:
                    logger.info("retention: %d lines of the inventory older than %g days are forgotten", gone, term)
        await asyncio.sleep(_FORGET_EVERY_S)


async def _tell(batch: _Batch) -> None:
    with suppress(OSError):  # the worker is gone, or sends again: its batch is known
        await batch.reply({"op": "sighted", "id": batch.id})


def _sightings(rows: Iterable[Mapping[str, Any]]) -> Iterable[Sighting]:
    for row in rows:
        try:
            yield sighting_of(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.error("a worker told of a sighting in words nobody knows: %r", error)
