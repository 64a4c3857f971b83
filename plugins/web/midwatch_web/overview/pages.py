"""The overview: the first page that people open."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_core import Incident
from midwatch_web.overview.asked import ORDERS, Asked, period_tabs
from midwatch_web.overview.figures import figures_of, findings_figure
from midwatch_web.overview.folding import by_category, fold, fold_counts
from midwatch_web.overview.reading import Read, any_calls, read_overview
from midwatch_web.overview.tops import tops_of
from midwatch_web.overview.totals import numbers_of, totals_of
from midwatch_web.overview.troubles import Notice, notices_of
from midwatch_web.serving.asked import caller_of, host_of, queries_of
from midwatch_web.serving.openalerts import current_alerts, untaken
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/")
async def overview(request: Request) -> Response:
    """How things are, over a window of time."""
    asked, queries = Asked.from_query(request.query_params, host_of(request).clock.now()), queries_of(request)
    read = await read_overview(queries, asked)
    if not read.sums.activity and not await any_calls(queries):
        notices, alerts = _notices(request), _open_alerts(request)
        return page(request, "overview/nothing.html", notices=notices, open_alerts=alerts, chosen=asked.chosen)
    # In a thread: there are some thousand shapes to write, and the loop has exchanges to store.
    return await asyncio.to_thread(_page, request, asked, read)


def _page(request: Request, asked: Asked, read: Read) -> Response:
    folded = fold(read.slots, read.sums.costs, read.sums.activity)
    counts = read.sums.findings
    return page(
        request,
        "overview/overview.html",
        asked=asked,
        tabs=period_tabs(asked),
        orders=ORDERS,
        since=asked.wanted.since or read.slots.starts[0],
        totals=totals_of(numbers_of(read.sums), numbers_of(read.before) if read.before else None),
        slots=list(zip(read.slots.starts, folded, strict=True)),
        step=read.slots.words,
        figures=figures_of(read.slots, folded) if read.sums.activity else [],
        findings=findings_figure(read.days, fold_counts(read.days, counts)) if counts else None,
        categories=by_category(counts),
        tops=tops_of(asked, read.tops, whole=caller_of(request).tenant is None),
        newest=read.newest,
        notices=_notices(request),
        open_alerts=_open_alerts(request),
    )


def _open_alerts(request: Request) -> list[Incident]:
    """The caller's alerts that nobody has taken on, the gravest first."""
    return untaken(current_alerts(host_of(request), caller_of(request)))


def _notices(request: Request) -> list[Notice]:
    """The installation's troubles, for callers of no one tenant."""
    health = host_of(request).health
    return notices_of(health()) if health is not None and caller_of(request).tenant is None else []
