"""What the aliases read of exchanges: as much as one answer may hold, and the newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from fastapi import Query
from starlette.exceptions import HTTPException

from midwatch_core import Exchange, ExchangeFilter, FindingFilter, Queries
from midwatch_web.legacy.spans import operation_of, score_of

# Rows that an offset may pass: who reads on does so by the cursor of the successor.
MOST_ROWS = 1000
# Exchanges that one answer has in full.
MOST_SPANS = 100
# Exchanges that are read in full for one answer, to see whether they are wanted.
_MOST_LOOKS = 300

type Limit = Annotated[int, Query(ge=1, le=1000, description=f"No answer has more than {MOST_SPANS} spans.")]
type Offset = Annotated[int, Query(ge=0, description=f"Together with `limit` at most {MOST_ROWS}.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which spans: scores are of 100, the operation is by the predecessor's name."""

    least: int | None = None
    most: int | None = None
    operation: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether not all spans are wanted."""
        return bool(self.least) or self.most is not None or self.operation is not None

    def fits(self, exchange: Exchange) -> bool:
        """Whether a span is wanted."""
        score = score_of(exchange) or 0
        if score < (self.least or 0) or (self.most is not None and score > self.most):
            return False
        return self.operation in (None, operation_of(exchange.request.operation.value))


def within(limit: int, offset: int) -> int:
    """How many spans an answer has. Raises HTTPException for an offset that goes too far."""
    if offset + limit > MOST_ROWS:
        raise HTTPException(400, f"offset: these paths go {MOST_ROWS:,} rows back; read on by cursor at /api/v1")
    return min(limit, MOST_SPANS)


async def in_full(queries: Queries, ids: Iterable[str]) -> list[Exchange]:
    """The exchanges of these ids that are still there, in their order."""
    found = [await queries.exchange(exchange_id) for exchange_id in ids]
    return [exchange for exchange in found if exchange is not None]


async def fitting(queries: Queries, ids: Iterable[str], wanted: Wanted, most: int) -> list[Exchange]:
    """The first `most` exchanges that are wanted, among the first of these that are looked at."""
    found: list[Exchange] = []
    for exchange_id in islice(ids, _MOST_LOOKS):
        exchange = await queries.exchange(exchange_id)
        if exchange is not None and wanted.fits(exchange):
            found.append(exchange)
        if len(found) >= most:
            break
    return found


async def found_ids(queries: Queries, model: str | None = None) -> list[str]:
    """The exchanges that have findings, the newest first, each once; of the newest thousand findings."""
    page = await queries.findings(FindingFilter(model=model), limit=MOST_ROWS)
    return list(dict.fromkeys(row.exchange_id for row in page.rows))


async def row_ids(queries: Queries, wanted: ExchangeFilter) -> list[str]:
    """The newest thousand exchanges."""
    page = await queries.exchanges(wanted, limit=MOST_ROWS)
    return [row.id for row in page.rows]


async def total(queries: Queries, wanted: ExchangeFilter) -> int:
    """How many exchanges there are, by the sums that are kept."""
    return sum(row.calls for row in await queries.costs(wanted, by=["provider"]))


async def first_day(queries: Queries) -> str | None:
    """The first day that has a call, as its midnight in UTC."""
    days = [row.group[0] for row in await queries.costs(ExchangeFilter(), by=["day"]) if row.group[0]]
    return f"{min(days)}T00:00:00+00:00" if days else None
