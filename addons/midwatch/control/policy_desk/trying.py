"""Trying: a policy over the findings of stored exchanges, newest first, in turns that let others work between them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from midwatch_core.finding_listing import FindingFilter
from midwatch_core.model.exchange import Exchange
from midwatch_core.policy import Policy
from midwatch_core.policy_desk import Simulation
from midwatch_core.queries import MAX_PAGE, Queries
from midwatch_core.simulating import Change, change, turn

MAX_TRIED = 5000
"""Exchanges that are looked at, at most."""
# Rows that are shown of those that change.
_ROWS = 100
# Pages of findings that are read, at most: an exchange may have very many.
_PAGES = 50


@dataclass(slots=True)
class _Tally:
    """What was seen so far."""

    looked_at: int = 0
    changed: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    rows: list[Change] = field(default_factory=list)
    cut: bool = False

    def take(self, found: Change | None) -> None:
        """An exchange that was looked at."""
        self.looked_at += 1
        if found is None:
            return
        if (turned := turn(found)) is not None:
            self.changed += 1
            self.changes[turned] += 1
        if len(self.rows) < _ROWS:
            self.rows.append(found)

    @property
    def result(self) -> Simulation:
        return Simulation(
            looked_at=self.looked_at,
            changed=self.changed,
            changes=dict(self.changes.most_common()),
            rows=tuple(self.rows),
            cut=self.cut,
        )


async def tried(policy: Policy, queries: Queries, *, since: datetime, until: datetime | None, limit: int) -> Simulation:
    """What the policy would have done otherwise to the newest `limit` exchanges with findings. Raises StorageError."""
    tally = _Tally()
    wanted = FindingFilter(since=since, until=until)
    async for exchange in _with_findings(queries, wanted, max(1, min(limit, MAX_TRIED)), tally):
        tally.take(change(exchange, policy))
        await asyncio.sleep(0)
    return tally.result


async def _with_findings(queries: Queries, wanted: FindingFilter, limit: int, tally: _Tally) -> AsyncIterator[Exchange]:
    """Exchanges that have findings, each once; the tally is `cut` where there may be more."""
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await queries.findings(wanted, limit=MAX_PAGE, cursor=cursor)
        for found in page.rows:
            if found.exchange_id in seen:
                continue
            if len(seen) >= limit:
                tally.cut = True
                return
            seen.add(found.exchange_id)
            if (exchange := await queries.exchange(found.exchange_id)) is not None:
                yield exchange
        cursor = page.cursor
        if cursor is None:
            return
    tally.cut = True
