"""Sums of money and tokens, for programs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import COST_KEYS, CostRow
from midwatch_web.calls.api import Wanted
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import queries_of

router = APIRouter(prefix="/api/v1")


@router.get("/costs")
async def costs(request: Request, wanted: Wanted, by: Annotated[list[str] | None, Query()] = None) -> Response:
    """Sums by some of day, hour, tenant, provider, model, app, agent, key_id, user, cost_basis: `by=model,day`.

    By `model` if none is given. `api_equivalent_usd` is what the API would charge for what subscriptions paid for.
    """
    keys = [key for value in by or ["model"] for key in value.split(",") if key]
    if unknown := [key for key in keys if key not in COST_KEYS]:
        raise HTTPException(400, f"by: {unknown[0]!r} is none of {', '.join(COST_KEYS)}")
    rows = await queries_of(request).costs(wanted, by=keys)
    return json_answer({"by": keys, "costs": [_cost(keys, row) for row in rows]})


def _cost(keys: list[str], row: CostRow) -> dict[str, object]:
    return dict(zip(keys, row.group, strict=True)) | {
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": float(row.cost_usd),
        "api_equivalent_usd": float(row.api_equivalent_usd),
        "unpriced": row.unpriced,
    }
