"""A glance: what is not over, as the store has it, for a process that has no room of incidents itself."""

import asyncio
import logging

from midwatch_core.errors import StorageError
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.incidents import MOST_OPEN
from midwatch_core.model.incident import Incident, IncidentState
from midwatch_core.ports import MetadataRepository, Scope

logger = logging.getLogger(__name__)

_LOOK_S = 5.0
_NOT_OVER = IncidentFilter(states=frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED}))


class Glance:
    """Looks every few seconds, for pages ask without waiting; while the store is away it knows what it saw last."""

    def __init__(self, metadata: MetadataRepository) -> None:
        self._metadata = metadata
        self._away = False
        self.open: tuple[Incident, ...] = ()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Look once: the newest thousand, the oldest first."""
        try:
            page = await self._metadata.incidents(Scope(), _NOT_OVER, limit=MOST_OPEN)
        except StorageError as error:
            if not self._away:
                logger.error("which alerts are open can't be seen now: %s", error)
            self._away = True
        else:
            self.open, self._away = tuple(reversed(page.incidents)), False
