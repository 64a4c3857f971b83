"""Pinned clients in control: what one worker saw all are told, by a file in the home that outlives them."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from midwatch.home import Home
from midwatch.pinned_file import read_pinned, write_pinned
from midwatch_core.clock import Clock
from midwatch_core.errors import ConfigError
from midwatch_core.pins import Pin, Pins, pin_of

logger = logging.getLogger(__name__)


class PinnedRoom:
    """Holds the pins of this machine's workers. `tell` is awaited when they are to read the file again."""

    def __init__(self, home: Home, clock: Clock, tell: Callable[[], Awaitable[None]]) -> None:
        self._home = home
        self._clock = clock
        self._tell = tell
        self._pins = _read(home)

    async def take(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Pins came with a heartbeat; what is none is left out."""
        fresh = [pin for pin in _pins(rows) if pin.until > self._clock.now()]
        news = [pin for pin in fresh if self._pins.add(pin)]
        if fresh:
            # Those that are no news come from a worker that has not read the file yet, or could not.
            await self._publish(written=bool(news))

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """`unpin`: forget those of a `host`, of a `client`, or all; how many went, as `unpinned`."""
        wanted = {name: str(message[name]) for name in ("host", "client") if message.get(name)}
        count = self._pins.forget(**wanted)
        if count:
            await self._publish(written=True)
        return {"unpinned": count}

    async def _publish(self, *, written: bool) -> None:
        if written:
            self._pins.end(self._clock.now())
            try:
                write_pinned(self._home, self._pins)
            except OSError as error:
                logger.error("pinned clients could not be written for workers: %s", error)
                return
        await self._tell()


def _read(home: Home) -> Pins:
    try:
        return read_pinned(home)
    except ConfigError as error:
        logger.error("%s; it begins anew", error)
        return Pins()


def _pins(rows: Iterable[Mapping[str, Any]]) -> Iterable[Pin]:
    for row in rows:
        try:
            yield pin_of(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.error("a worker told of a pinned client in words nobody knows: %r", error)
