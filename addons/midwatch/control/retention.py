"""Retention: what is older than the configuration keeps is forgotten, once an hour."""

import asyncio
import logging
from datetime import timedelta

from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError
from midwatch_core.ports import TraceRepository

logger = logging.getLogger(__name__)
_EVERY_S = 3600.0


async def keep_to(days: float | None, traces: TraceRepository, clock: Clock) -> None:
    """Delete what is older than `days`, now and every hour; never, for None."""
    while days is not None:
        try:
            if gone := await traces.delete_before(clock.now() - timedelta(days=days)):
                logger.info("retention: %d exchanges older than %g days are forgotten", gone, days)
        except StorageError as error:
            logger.error("retention: %s", error)
        await asyncio.sleep(_EVERY_S)
