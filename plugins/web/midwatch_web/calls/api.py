"""Calls for programs: a page of them, one in full, and each as it comes."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from midwatch_core import Exchange, ExchangeFilter, ExchangeRow, row_of
from midwatch_web.calls.export import CSV, JSONL, rows_like
from midwatch_web.calls.outcome import Outcome, read_rows
from midwatch_web.serving.answers import json_answer, utc
from midwatch_web.serving.asked import live_of, queries_of, welcome_of
from midwatch_web.serving.eventstream import LiveStream
from midwatch_web.serving.exporting import MOST_ROWS

router = APIRouter(prefix="/api/v1")


def narrowed_of(
    since: datetime | None = None,
    until: datetime | None = None,
    tenant: str | None = None,
    provider: str | None = None,
    model: str | None = None,
    app: str | None = None,
    agent: str | None = None,
    trace_id: str | None = None,
    status: int | None = None,
    key_id: str | None = None,
    user: str | None = None,
    client: str | None = None,
    session: str | None = None,
) -> ExchangeFilter:
    """The filter of a call but for its text. Moments are RFC 3339, UTC without an offset."""
    return ExchangeFilter(
        since=utc(since),
        until=utc(until),
        tenant=tenant,
        provider=provider,
        model=model,
        app=app,
        agent=agent,
        trace_id=trace_id,
        status=status,
        key_id=key_id,
        user=user,
        client=client,
        session=session,
    )


type Narrowed = Annotated[ExchangeFilter, Depends(narrowed_of)]


def filter_of(narrowed: Narrowed, text: Annotated[str | None, Query(min_length=1)] = None) -> ExchangeFilter:
    """The filter of a call. `text` is found in any of its texts, whatever its case."""
    return replace(narrowed, text=text)


type Most = Annotated[int, Query(ge=1, le=MOST_ROWS)]
type Wanted = Annotated[ExchangeFilter, Depends(filter_of)]


@router.get("/exchanges")
async def exchanges(
    request: Request,
    wanted: Wanted,
    outcome: Outcome | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """A page, newest first: `exchanges` with the keys of `traces --json`, and the `cursor` of the next page or null.

    With `text` or `outcome` a page may end early, even empty: its cursor goes on.
    """
    found = await read_rows(queries_of(request), wanted, outcome, limit=limit, cursor=cursor)
    return json_answer({"exchanges": [row.as_json() for row in found.rows], "cursor": found.cursor})


@router.get("/exchanges.jsonl", response_class=StreamingResponse)
async def exchanges_jsonl(
    request: Request, wanted: Wanted, outcome: Outcome | None = None, limit: Most = 10_000
) -> Response:
    """The same rows, newest first, a line of JSON each. For more, go on with `until` the start of the last."""
    return await JSONL.answer(request, rows_like(request, wanted, outcome), limit)


@router.get("/exchanges.csv", response_class=StreamingResponse)
async def exchanges_csv(
    request: Request, wanted: Wanted, outcome: Outcome | None = None, limit: Most = 10_000
) -> Response:
    """The same rows as CSV (RFC 4180); a cell that a spreadsheet would run as a formula has an apostrophe before it."""
    return await CSV.answer(request, rows_like(request, wanted, outcome), limit)


@router.get("/exchanges/{exchange_id}")
async def exchange(request: Request, exchange_id: str) -> Response:
    """One exchange in full: the keys of its row, and under them its texts, timing, cost, findings and verdicts."""
    found = await queries_of(request).exchange(exchange_id)
    if found is None:
        raise HTTPException(404, "There is no such exchange.")
    return json_answer(in_full(found))


@router.get("/live")
async def live(request: Request) -> Response:
    """Server-sent events: one `exchange` with a row's JSON for each call as it is stored."""
    scope = queries_of(request).scope
    return LiveStream(
        live=live_of(request),
        takes=lambda row: scope.allows(row.tenant),
        data_of=_row_json,
        welcome=welcome_of(request),
    ).response()


def in_full(found: Exchange) -> dict[str, object]:
    """An exchange as JSON values. Amounts of money are text in `cost`: they must not lose digits."""
    document = asdict(found)
    for verdict, told in zip(found.verdicts, document["verdicts"], strict=True):
        told["action"] = verdict.action.name.lower()
    return {**document, **row_of(found).as_json(), "findings": document["findings"], "error": found.error}


def _row_json(row: ExchangeRow) -> str:
    return orjson.dumps(row.as_json()).decode()
