"""The page of costs: any window, by one or two keys, as charts and as a table."""

import asyncio
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_core import Queries
from midwatch_web.calls.board import read_choices
from midwatch_web.calls.listfilter import PERIODS
from midwatch_web.costs.asked import GROUPS, TIMES, CostsAsked
from midwatch_web.costs.breakdown import Breakdown, breakdown_of
from midwatch_web.costs.figures import figures_of, read_over_time
from midwatch_web.costs.unpriced import unpriced_of
from midwatch_web.serving.asked import host_of, queries_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/costs")
async def costs(request: Request) -> Response:
    """What calls cost."""
    asked, queries = CostsAsked.from_query(request.query_params, host_of(request).clock.now()), queries_of(request)
    rows = await queries.costs(asked.wanted, by=asked.keys)
    found = breakdown_of(asked, rows)
    slots = asked.slots(await _first(queries, asked))
    over_time, choices, unpriced = await asyncio.gather(
        read_over_time(queries, asked, slots, rows),
        read_choices(queries, asked.chosen, asked.now),
        unpriced_of(queries, asked.wanted) if found.total.unpriced else _nothing(),
    )
    return page(
        request,
        "costs/costs.html",
        asked=asked,
        found=found,
        figures=figures_of(slots, over_time),
        as_table=asked.query(by=slots.key, then=asked.series),
        coarse=asked.coarse,
        choices=choices,
        unpriced=unpriced,
        periods=PERIODS,
        groups=GROUPS,
        times=TIMES,
        untouched=_untouched(asked, found),
    )


def _untouched(asked: CostsAsked, found: Breakdown) -> bool:
    """Whether there is nothing to see and nothing was chosen: a newcomer's first look."""
    return not found.lines and not asked.narrows


async def _first(queries: Queries, asked: CostsAsked) -> datetime:
    """The day of the first call; it is only asked where the window has no beginning."""
    if asked.wanted.since is not None:
        return asked.wanted.since
    days = [row.group[0] for row in await queries.costs(asked.wanted, by=["day"]) if row.group[0]]
    return datetime.fromisoformat(min(days)).replace(tzinfo=UTC) if days else asked.now - timedelta(hours=1)


async def _nothing() -> list[object]:
    return []
