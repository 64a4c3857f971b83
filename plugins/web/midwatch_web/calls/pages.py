"""The pages people open: the list of calls, and one call as a conversation."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import Exchange, ExchangeRow
from midwatch_web.calls.blocks import side_text
from midwatch_web.calls.board import ROWS_A_PAGE, read_board, read_totals
from midwatch_web.calls.conversation import view_of
from midwatch_web.calls.listfilter import PERIODS, ListFilter
from midwatch_web.calls.neighbours import Neighbours, neighbours_of
from midwatch_web.calls.outcome import Outcome, read_rows
from midwatch_web.serving.asked import host_of, live_of, queries_of, welcome_of
from midwatch_web.serving.eventstream import LiveStream
from midwatch_web.serving.templating import page, render

router = APIRouter(include_in_schema=False)


@router.get("/calls")
async def exchanges(request: Request, cursor: str | None = None) -> Response:
    """The newest calls, or older ones from a cursor on."""
    chosen = ListFilter.from_query(request.query_params)
    board = await read_board(queries_of(request), chosen, host_of(request).clock.now(), cursor or None)
    return page(request, "calls/exchanges.html", board=board, periods=PERIODS, outcomes=Outcome)


@router.get("/totals")
async def totals(request: Request) -> Response:
    """The strip of sums alone."""
    chosen = ListFilter.from_query(request.query_params)
    sums = await read_totals(queries_of(request), chosen, host_of(request).clock.now())
    return page(request, "calls/totals.html", totals=sums, chosen=chosen)


@router.get("/live")
async def live(request: Request) -> Response:
    """Server-sent events: the list's own rows, as HTML, for calls that pass the filter; the newest ones first."""
    chosen, queries = ListFilter.from_query(request.query_params), queries_of(request)

    async def newest() -> Sequence[ExchangeRow]:
        wanted = chosen.wanted(host_of(request).clock.now())
        return (await read_rows(queries, wanted, chosen.outcome, limit=ROWS_A_PAGE)).rows

    return LiveStream(
        live=live_of(request),
        takes=lambda row: queries.scope.allows(row.tenant) and chosen.takes(row),
        data_of=lambda row: render(request, "calls/row.html", row=row),
        newest=newest,
        welcome=welcome_of(request),
    ).response()


@router.get("/exchanges/{exchange_id}")
async def exchange(request: Request, exchange_id: str) -> Response:
    """One call."""
    queries = queries_of(request)
    found = await queries.exchange(exchange_id)
    if found is None:
        raise HTTPException(404, "There is no such call, or it is older than what is kept.")
    neighbours = await neighbours_of(queries, found)
    # In a thread: a conversation may be long, and the loop has exchanges to store.
    return await asyncio.to_thread(_conversation, request, found, neighbours)


@router.get("/exchanges/{exchange_id}/texts/{side}/{index}")
async def text(request: Request, exchange_id: str, side: str, index: int) -> Response:
    """One long text of a call by itself, unformatted."""
    found = await queries_of(request).exchange(exchange_id)
    told = side_text(found, side, index) if found else None
    if told is None:
        raise HTTPException(404, "There is no such text.")
    return Response(told.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8")


def _conversation(request: Request, found: Exchange, neighbours: Neighbours) -> Response:
    return page(request, "calls/exchange.html", view=view_of(found), neighbours=neighbours)
