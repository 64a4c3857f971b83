"""Sums of money and tokens, for programs."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import COST_KEYS, CostRow
from midwatch_web.calls.api import Wanted
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import queries_of
from midwatch_web.serving.spreadsheet import csv_line

router = APIRouter(prefix="/api/v1", tags=["costs"])

_NUMBERS = ("calls", "input_tokens", "output_tokens", "cost_usd", "api_equivalent_usd", "unpriced")

type By = Annotated[list[str] | None, Query(description="Keys, as `by=model,day`; by model if none is given.")]


@router.get("/costs")
async def costs(request: Request, wanted: Wanted, by: By = None) -> Response:
    """Sums by some of day, hour, tenant, provider, model, app, agent, key_id, user, cost_basis: `by=model,day`.

    By `model` if none is given. `api_equivalent_usd` is what the API would charge for what subscriptions paid for.
    """
    keys = _keys(by)
    rows = await queries_of(request).costs(wanted, by=keys)
    return json_answer({"by": keys, "costs": [_cost(keys, row) for row in rows]})


@router.get("/costs.jsonl")
async def costs_jsonl(request: Request, wanted: Wanted, by: By = None) -> Response:
    """The same sums, a line of JSON each."""
    keys = _keys(by)
    rows = await queries_of(request).costs(wanted, by=keys)
    lines = b"".join(orjson.dumps(_cost(keys, row), default=str) + b"\n" for row in rows)
    return _file(lines, "jsonl", "application/jsonl")


@router.get("/costs.csv")
async def costs_csv(request: Request, wanted: Wanted, by: By = None) -> Response:
    """The same sums as CSV (RFC 4180); a cell that a spreadsheet would run as a formula has an apostrophe before it."""
    keys = _keys(by)
    rows = await queries_of(request).costs(wanted, by=keys)
    lines = [csv_line((*keys, *_NUMBERS)), *(csv_line(_cost(keys, row).values()) for row in rows)]
    return _file("".join(lines).encode("utf-8", "replace"), "csv", "text/csv; charset=utf-8")


def _keys(by: list[str] | None) -> list[str]:
    """The keys that are asked for, each once. Raises HTTPException for one that is none."""
    keys = list(dict.fromkeys(key for value in by or ["model"] for key in value.split(",") if key))
    if unknown := [key for key in keys if key not in COST_KEYS]:
        raise HTTPException(400, f"by: {unknown[0]!r} is none of {', '.join(COST_KEYS)}")
    return keys


def _cost(keys: list[str], row: CostRow) -> dict[str, object]:
    return dict(zip(keys, row.group, strict=True)) | {
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": float(row.cost_usd),
        "api_equivalent_usd": float(row.api_equivalent_usd),
        "unpriced": row.unpriced,
    }


def _file(body: bytes, kind: str, media_type: str) -> Response:
    named = {"Content-Disposition": f'attachment; filename="midwatch-costs.{kind}"'}
    return Response(body, media_type=media_type, headers=named)
