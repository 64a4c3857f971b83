"""The REST API's first four calls, for programs: JSON, limits and cursors, problem+json for errors."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import COST_KEYS, CostRow, Exchange, ExchangeFilter, ExchangeRow, row_of
from midwatch_web.asked import live_of, queries_of, welcome_of
from midwatch_web.eventstream import LiveStream

router = APIRouter(prefix="/api/v1")


def filter_of(
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
    text: Annotated[str | None, Query(min_length=1)] = None,
) -> ExchangeFilter:
    """The filter of a call. Moments are RFC 3339, UTC without an offset. `text` is found whatever its case."""
    return ExchangeFilter(
        since=_utc(since),
        until=_utc(until),
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
        text=text,
    )


type Wanted = Annotated[ExchangeFilter, Depends(filter_of)]


@router.get("/exchanges")
async def exchanges(
    request: Request,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """A page, newest first: `exchanges` with the keys of `traces --json`, and the `cursor` of the next page or null."""
    found = await queries_of(request).exchanges(wanted, limit=limit, cursor=cursor)
    return _json({"exchanges": [row.as_json() for row in found.rows], "cursor": found.cursor})


@router.get("/exchanges/{exchange_id}")
async def exchange(request: Request, exchange_id: str) -> Response:
    """One exchange in full: the keys of its row, and under them its texts, timing, cost, findings and verdicts."""
    found = await queries_of(request).exchange(exchange_id)
    if found is None:
        raise HTTPException(404, "There is no such exchange.")
    return _json(in_full(found))


@router.get("/costs")
async def costs(request: Request, wanted: Wanted, by: Annotated[list[str] | None, Query()] = None) -> Response:
    """Sums by some of day, hour, tenant, provider, model, app, agent, key_id, user, cost_basis: `by=model,day`.

    By `model` if none is given. `api_equivalent_usd` is what the API would charge for what subscriptions paid for.
    """
    keys = [key for value in by or ["model"] for key in value.split(",") if key]
    if unknown := [key for key in keys if key not in COST_KEYS]:
        raise HTTPException(400, f"by: {unknown[0]!r} is none of {', '.join(COST_KEYS)}")
    rows = await queries_of(request).costs(wanted, by=keys)
    return _json({"by": keys, "costs": [_cost(keys, row) for row in rows]})


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


def _cost(keys: list[str], row: CostRow) -> dict[str, object]:
    return dict(zip(keys, row.group, strict=True)) | {
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": float(row.cost_usd),
        "api_equivalent_usd": float(row.api_equivalent_usd),
        "unpriced": row.unpriced,
    }


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _json(document: object) -> Response:
    try:
        content = orjson.dumps(document, default=str)
    except orjson.JSONEncodeError:  # a number above 64 bits, or half a surrogate pair, in a client's JSON
        content = json.dumps(document, default=_plain).encode()
    return Response(content, media_type="application/json")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
