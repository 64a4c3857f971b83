"""Sightings on their way from a worker to control: added up, sent with heartbeats, kept until control has stored them.

The other side is `control.sightings`.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, count
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.sighting import Sighting
from midwatch_core.sighting_rows import sighting_row
from midwatch_core.sighting_sums import Likeness, likeness

# Lines that wait. Beyond, what tells clients apart is left out; beyond twice as many, a sighting is lost, and counted.
_MOST = 2000
_BATCH = 200
# A batch that nobody acknowledged is sent again after so many heartbeats: control knows it by its id.
_BEATS = 30


@dataclass(slots=True)
class _Line:
    """One line of the inventory so far; `sighting` tells what does not change from one to the next."""

    sighting: Sighting
    first_at: datetime
    last_at: datetime
    connections: int = 0
    calls: int = 0

    def row(self) -> dict[str, Json]:
        return sighting_row(self.sighting) | {
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "connections": self.connections,
            "calls": self.calls,
        }


class SightingReport:
    """Adds up sightings, and gives them out in batches. `lost` counts those there was no room for."""

    def __init__(self) -> None:
        self._fresh: dict[Likeness, _Line] = {}
        self._sent: dict[str, Any] | None = None
        self._beats = 0
        self._ids = (f"{prefix}-{number}" for prefix in (secrets.token_hex(8),) for number in count())
        self.lost = 0

    def add(self, sighting: Sighting) -> None:
        """Count one."""
        at = sighting.last_at
        if self.again(likeness(sighting), at, connections=sighting.connections, calls=sighting.calls):
            return
        if len(self._fresh) >= _MOST:
            sighting = _coarse(sighting)
        key = likeness(sighting)
        if key not in self._fresh:
            if len(self._fresh) >= 2 * _MOST:
                self.lost += sighting.connections + sighting.calls
                return
            self._fresh[key] = _Line(sighting, sighting.first_at, at)
        self.again(key, at, connections=sighting.connections, calls=sighting.calls)

    def again(self, key: Likeness, at: datetime, *, connections: int = 0, calls: int = 0) -> bool:
        """Count one more of a likeness, at a moment not before the last; False where there is none of it yet."""
        line = self._fresh.get(key)
        if line is None:
            return False
        line.last_at = at
        line.connections += connections
        line.calls += calls
        return True

    @property
    def waiting(self) -> bool:
        """Whether there is something that control has not stored."""
        return bool(self._fresh) or self._sent is not None

    def due(self, *, last: bool = False) -> list[dict[str, Any]]:
        """What goes with the next heartbeat; with the `last` one all that is left."""
        batches = [self._sent] if self._sent is not None and (last or self._beats == 0) else []
        if self._sent is None and self._fresh:
            self._sent = self._batch(list(self._fresh)[:_BATCH])
            batches = [self._sent]
        self._beats = (self._beats + 1) % _BEATS
        if last:
            batches += [self._batch(keys) for keys in batched(list(self._fresh), _BATCH)]
        return batches

    def arrived(self, batch_id: str) -> None:
        """Control has stored this batch."""
        if self._sent is not None and self._sent["id"] == batch_id:
            self._sent = None
            self._beats = 0

    def reconnected(self) -> None:
        """There is another control: what is under way may have been lost."""
        self._beats = 0

    def _batch(self, keys: Iterable[Likeness]) -> dict[str, Any]:
        return {"id": next(self._ids), "rows": [self._fresh.pop(key).row() for key in keys]}


def _coarse(sighting: Sighting) -> Sighting:
    return Sighting(
        host=sighting.host,
        tenant=sighting.tenant,
        seen=sighting.seen,
        first_at=sighting.first_at,
        last_at=sighting.last_at,
        provider=sighting.provider,
        known=sighting.known,
        connections=sighting.connections,
        calls=sighting.calls,
    )
