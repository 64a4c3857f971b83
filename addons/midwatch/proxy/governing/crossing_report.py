"""Budgets that reached a mark, on their way from a worker to control with its next heartbeat."""

from collections import deque
from typing import Any

from midwatch_core.governing.crossings import Crossing

# While control is away they wait; beyond this, the oldest make room.
_MOST = 1000


class CrossingReport:
    """Takes crossings, and gives them out as JSON values until they are said to have arrived."""

    def __init__(self) -> None:
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST)

    def take(self, crossing: Crossing) -> None:
        """A budget reached a mark."""
        self._waiting.append(
            {
                "rule": crossing.rule.id,
                "usd": str(crossing.rule.usd),
                "period": crossing.rule.period.value,
                "hard": crossing.rule.hard,
                "tenant": crossing.tenant,
                "values": {name: value for name, value in crossing.values if name != "tenant"},
                "percent": crossing.percent,
                "ends": crossing.ends.isoformat(),
            }
        )

    def waiting(self) -> list[dict[str, Any]]:
        """What has not arrived yet, oldest first."""
        return list(self._waiting)

    def arrived(self, count: int) -> None:
        """The first `count` of those are with control now."""
        for _ in range(min(count, len(self._waiting))):
            self._waiting.popleft()
