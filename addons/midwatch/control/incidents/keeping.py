"""Keeping incidents: they go into the store in the background, however long that is away, and come from it at a start.

What began or changed is kept at once; of one that only came again, the count is kept now and then.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from midwatch.control.incidents.notes import IncidentNotes
from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.model.incident import Incident, IncidentState
from midwatch_core.ports import MetadataRepository, Scope

logger = logging.getLogger(__name__)

# So long a count, or an expiry, waits for a further one.
COUNT_S = 10.0
# What no home has touched for so long was left behind by one that is gone.
LEFT = timedelta(days=1)
_RETRY_S = 2.0
# Incidents that wait for the store: beyond, those that have waited longest are lost to it.
_MOST_WAITING = 10_000
# One that the store refuses so often, while it takes others, is given up.
_TRIES = 5
_PAGE = 500
_PAGES = 20
_NOT_OVER = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


@dataclass(slots=True)
class _Waiting:
    incident: Incident
    due_s: float
    tries: int = 0


class Keeping:
    """Sees incidents into the store. `stands` is called with how one stands there after it was kept."""

    def __init__(
        self, metadata: MetadataRepository, notes: IncidentNotes, clock: Clock, stands: Callable[[Incident], None]
    ) -> None:
        self._metadata = metadata
        self._notes = notes
        self._clock = clock
        self._stands = stands
        self._waiting: dict[str, _Waiting] = {}
        self._kept_s: dict[str, float] = {}
        self._expiries: dict[str, datetime | None] = {}
        self._left = notes.read()  # by the process before, until they are restored
        self._noted = dict(self._left)
        self._noted_s = float("-inf")
        self._news = asyncio.Event()
        self._said = False

    def note(self, incident: Incident, expires_at: datetime | None, *, soon: bool) -> None:
        """Have one kept: soon, or some seconds after it was kept before."""
        now_s = self._clock.monotonic()
        due_s = now_s if soon else self._kept_s.get(incident.id, now_s) + COUNT_S
        before = self._waiting.pop(incident.id, None)
        if before is not None:
            due_s = min(due_s, before.due_s)
        elif len(self._waiting) >= _MOST_WAITING:
            self._lose(next(iter(self._waiting.values())), "too many wait for the store")
        self._waiting[incident.id] = _Waiting(incident, due_s)
        self._expiries[incident.id] = expires_at
        if soon:
            self._news.set()

    def forget(self, incident_id: str) -> None:
        """One is not to be kept any more."""
        self._waiting.pop(incident_id, None)
        self._ended(incident_id)

    async def restored(self) -> list[tuple[Incident, datetime | None]]:
        """What this home began and did not end, each with its expiry, and what others left. Raises StorageError."""
        before = self._clock.now() - LEFT
        found = [item for item in await self.not_over(_NOT_OVER) if item.id in self._left or item.last_at < before]
        kept = [(item, self._left.get(item.id)) for item in sorted(found, key=lambda item: (item.began_at, item.id))]
        self._expiries |= {item.id: expires_at for item, expires_at in kept}
        self._left = {}
        return kept

    async def not_over(self, states: frozenset[IncidentState]) -> list[Incident]:
        """Of all that are not over in the store, those in these states. Raises StorageError."""
        found: list[Incident] = []
        cursor = None
        for _ in range(_PAGES):
            page = await self._metadata.incidents(Scope(), IncidentFilter(states=states), limit=_PAGE, cursor=cursor)
            found += page.incidents
            cursor = page.cursor
            if cursor is None:
                break
        return found

    async def run(self) -> None:
        """Keep for ever."""
        while True:
            if not await self.keep():
                await asyncio.sleep(_RETRY_S)
            await self._wait()

    async def settle(self, deadline_s: float) -> None:
        """Keep all that waits, also what is not due yet, for so long at most: control is about to end."""
        for waiting in self._waiting.values():
            waiting.due_s = float("-inf")
        try:
            async with asyncio.timeout(deadline_s):
                await self.keep()
        except TimeoutError:
            logger.error("%d alerts could not be kept in time", len(self._waiting))

    async def keep(self) -> bool:
        """Keep what is due; whether that went well."""
        self._write_notes()
        now_s = self._clock.monotonic()
        for waiting in [item for item in self._waiting.values() if item.due_s <= now_s]:
            try:
                stands = await self._metadata.keep_incident(waiting.incident)
            except StorageError as error:
                if not self._said:
                    logger.error("alerts can't be kept now, and wait: %s", error)
                self._said = True
                if not self._gives_up(waiting, error):
                    return False
            else:
                self._said = False
                self._was_kept(waiting, stands)
        return True

    def _was_kept(self, waiting: _Waiting, stands: Incident) -> None:
        incident = waiting.incident
        if self._waiting.get(incident.id) is waiting:  # else it has changed meanwhile
            del self._waiting[incident.id]
        if incident.resolved_at is not None:
            self._ended(incident.id)
        else:
            self._kept_s[incident.id] = self._clock.monotonic()
            self._stands(stands)

    def _gives_up(self, waiting: _Waiting, error: StorageError) -> bool:
        if isinstance(error, StorageUnavailableError):
            return False
        waiting.tries += 1
        if waiting.tries < _TRIES:
            return False
        self._lose(waiting, str(error))
        return True

    def _lose(self, waiting: _Waiting, why: str) -> None:
        incident = waiting.incident
        logger.error("the store does not have how the alert stands (%s): %s", incident.title, why)
        if self._waiting.get(incident.id) is waiting:
            self.forget(incident.id)

    def _ended(self, incident_id: str) -> None:
        self._expiries.pop(incident_id, None)
        self._kept_s.pop(incident_id, None)

    def _write_notes(self) -> None:
        """Before what is new is in the store: after a death between, nobody else would end it."""
        now_s, noting = self._clock.monotonic(), {**self._left, **self._expiries}
        moved = noting.keys() == self._noted.keys()
        if noting == self._noted or (moved and now_s < self._noted_s + COUNT_S):
            return
        self._noted, self._noted_s = noting, now_s
        try:
            self._notes.write(noting)
        except OSError as error:
            logger.error("which alerts are open can't be noted: %s", error)

    async def _wait(self) -> None:
        """Until something is to be kept soon, or a second has passed."""
        try:
            async with asyncio.timeout(1.0):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()
