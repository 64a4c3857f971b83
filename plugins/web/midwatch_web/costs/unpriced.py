"""Calls without a known price: of which models, and why; a few are looked at."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from midwatch_core import CostRow, ExchangeFilter, Queries

# Models that are told of, and calls of each that are looked at for the reason.
_MOST_MODELS = 5
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """A model with calls that have no price. `reason` None: it is not among the newest calls."""

    provider: str | None
    model: str | None
    calls: int
    reason: str | None


async def unpriced_of(queries: Queries, wanted: ExchangeFilter) -> list[Unpriced]:
    """Those with most such calls, with the reason that is most common. Raises StorageError."""
    rows = await queries.costs(wanted, by=["provider", "model"])
    most = sorted((row for row in rows if row.unpriced), key=lambda row: -row.unpriced)[:_MOST_MODELS]
    return list(await asyncio.gather(*(_with_reason(queries, wanted, row) for row in most)))


async def _with_reason(queries: Queries, wanted: ExchangeFilter, row: CostRow) -> Unpriced:
    provider, model = row.group
    page = await queries.exchanges(replace(wanted, provider=provider, model=model), limit=_LOOKED_AT)
    reasons: Sequence[str] = [
        item.cost_reason
        for item in page.rows
        if item.cost_usd is None and item.cost_reason and (item.provider, item.model) == (provider, model)
    ]
    found = Counter(reasons).most_common(1)
    return Unpriced(provider=provider, model=model, calls=row.unpriced, reason=found[0][0] if found else None)
