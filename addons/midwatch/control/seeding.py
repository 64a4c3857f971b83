"""Seeding the threader: conversations go on from what was stored before this start."""

import logging

from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError
from midwatch_core.pipeline import Pipeline
from midwatch_core.ports import TraceRepository
from midwatch_core.threads import seed

logger = logging.getLogger(__name__)


async def seed_threader(pipeline: Pipeline, traces: TraceRepository, clock: Clock) -> None:
    """Tell it what is known; where that can't be read, conversations are told by their sessions alone."""
    try:
        known = await seed(pipeline.threader, traces, clock.monotonic)
    except StorageError as error:
        logger.warning("conversations from before this start can't be read: %s", error)
    else:
        logger.debug("%d exchanges are known to go on from", known)
