"""What is on the stage while chaos reigns, and how to tell that all is well again."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from midwatch_core.governing.settings import BudgetRule
from tests.e2e.chaos.crowd import Crowd
from tests.e2e.chaos.disk import Disk
from tests.e2e.chaos.profiles import Profile
from tests.e2e.chaos.witness import Witness
from tests.e2e.killing import Attempt, House, Killer, until


@dataclass
class Scene:
    """The house, its stores, its clients, who watches; and what was done so far.

    `settings` are the house's, all but where providers are. `full_s` are the times (monotonic, from and to) in which
    the disk had no room; `dropped` are the exchanges that the journal counted as lost to it; `drained` the calls whose
    request had gone out at a SIGTERM, and `terms_s` when those were.
    """

    house: House
    settings: dict[str, Any]
    budget: BudgetRule
    profile: Profile
    crowd: Crowd
    killer: Killer
    witness: Witness
    disk: Disk | None
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    full_s: list[tuple[float, float]] = field(default_factory=list)
    dropped: int = 0
    drained: int = 0
    terms_s: list[float] = field(default_factory=list)
    # The control process that was last seen well, and since when.
    _control: tuple[int, float] = (0, 0.0)

    async def recovered(self) -> None:
        """Wait until control serves, its breaker is closed, all that was journalled is stored, and audit answers."""

        async def well() -> bool:
            status = await self.house.status()
            if not status or not status["ready"] or status["breakers"]["store"] != "closed":
                return False
            if status["pid"] != self._control[0]:
                self._control = status["pid"], time.monotonic()
            synced = await self.house.ask({"op": "sync"})
            audit = await self.house.ask({"op": "audit", "limit": 1})
            return bool(synced and synced["caught_up"] and audit and "error" not in audit)

        await until(well, f"recovery\n{self.house.log}")

    async def audited(self) -> Counter[str]:
        """The audit log's entries of Midwatch's own, as `action subject`. It must be there."""
        rows: list[dict[str, Any]] = []
        before: int | None = None
        while True:
            answer = await self.house.ask({"op": "audit", "limit": 1000, "before": before})
            assert answer is not None, self.house.log
            assert "error" not in answer, answer
            rows += answer["rows"]
            if len(answer["rows"]) < 1000:
                return Counter(f"{row['action']} {row['subject']}" for row in rows)
            before = rows[-1]["number"]

    async def in_audit(self, entry: str, more_than: int) -> None:
        """Wait until the audit log has an entry more often than so."""

        async def there() -> bool:
            return (await self.audited())[entry] > more_than

        await until(there, f"{entry!r} in the audit log\n{self.house.log}")

    def was_full(self, attempt: Attempt) -> bool:
        """Whether the disk had no room at some time of this call."""
        return any(attempt.began_s <= ended_s and began_s <= attempt.ended_s for began_s, ended_s in self.full_s)

    def came_late(self, attempt: Attempt) -> bool:
        """Whether a SIGTERM came before this call's request had gone out: then it was refused, as it should be."""
        sent_s = self.crowd.sent_s.get(attempt.trace_id, float("inf"))
        return any(attempt.began_s <= term_s < sent_s and term_s <= attempt.ended_s for term_s in self.terms_s)

    def lived_s(self) -> float:
        """Seconds since this control was first seen well."""
        return time.monotonic() - self._control[1]
