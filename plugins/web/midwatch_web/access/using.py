"""How much keys are used for calls, by the record: reading with a key is on no record."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from midwatch_core import CostRow, ExchangeFilter
from midwatch_web.serving.asked import host_of, queries_of

# Days that are looked back, and what is said of a key that was last used within them: the shortest first.
_WINDOWS = ((1, "within a day"), (7, "within a week"), (30, "within 30 days"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A key's calls in the last 30 days, and when the last of them was."""

    calls: int
    last: str


async def last_uses(request: Request, now: datetime) -> dict[str, Use]:
    """By key, where there were calls. By key and day at once there are too many sums: the last call is told roughly."""
    if host_of(request).queries is None:
        return {}
    uses: dict[str, Use] = {}
    read = await asyncio.gather(*(_sums(request, now, days) for days, _ in _WINDOWS))
    for (_, words), rows in reversed(list(zip(_WINDOWS, read, strict=True))):
        for row in rows:
            if (key := row.group[0]) is not None:
                uses[key] = Use(calls=uses[key].calls if key in uses else row.calls, last=words)
    return uses


async def last_use(request: Request, now: datetime, key_id: str) -> Use | None:
    """Of one key, with the day (UTC) of its last call; None where there were none."""
    if host_of(request).queries is None:
        return None
    wanted = ExchangeFilter(since=now - timedelta(days=_WINDOWS[-1][0]), key_id=key_id)
    rows = await queries_of(request).costs(wanted, by=["day"])
    days = [row.group[0] for row in rows if row.group[0] is not None]
    return Use(calls=sum(row.calls for row in rows), last=max(days)) if days else None


async def _sums(request: Request, now: datetime, days: int) -> Sequence[CostRow]:
    return await queries_of(request).costs(ExchangeFilter(since=now - timedelta(days=days)), by=["key_id"])
