"""How calls went, and what they used, for programs: sums by group over any window."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import COST_KEYS, ActivityRow, CostRow, ttft_quantile_ms
from midwatch_web.calls.api import Narrowed
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import queries_of

router = APIRouter(prefix="/api/v1", tags=["usage"])

type By = Annotated[list[str] | None, Query()]


@router.get("/activity")
async def activity(request: Request, wanted: Narrowed, by: By = None) -> Response:
    """Calls, errors, refusals, calls with findings and times to first token, most calls first; keys as `/costs` has.

    By `day` if none is given. Times are estimated within classes: see `ttft_p50_ms`, `ttft_p95_ms`; null without any.
    """
    keys = keys_of(by)
    rows = await queries_of(request).activity(wanted, by=keys)
    return json_answer({"by": keys, "activity": [_group(keys, row) | _activity(row) for row in rows]})


@router.get("/usage")
async def usage(request: Request, wanted: Narrowed, by: By = None) -> Response:
    """What `/costs` and `/activity` tell, in one row for each group, most calls first. By `day` if none is given."""
    keys, queries = keys_of(by), queries_of(request)
    went = await queries.activity(wanted, by=keys)
    costs = {row.group: row for row in await queries.costs(wanted, by=keys)}
    rows = [_group(keys, row) | _activity(row) | _cost(costs.get(row.group)) for row in went]
    return json_answer({"by": keys, "usage": rows})


def keys_of(by: Sequence[str] | None) -> list[str]:
    """Keys of COST_KEYS, several in one value by commas. Raises HTTPException."""
    keys = [key for value in by or ["day"] for key in value.split(",") if key]
    if unknown := [key for key in keys if key not in COST_KEYS]:
        raise HTTPException(400, f"by: {unknown[0]!r} is none of {', '.join(COST_KEYS)}")
    return list(dict.fromkeys(keys))


def _group(keys: Sequence[str], row: ActivityRow) -> dict[str, object]:
    return dict(zip(keys, row.group, strict=True))


def _activity(row: ActivityRow) -> dict[str, object]:
    return {
        "calls": row.calls,
        "errors": row.errors,
        "refused": row.refused,
        "flagged": row.flagged,
        "ttft_p50_ms": ttft_quantile_ms(row.ttft, 0.5),
        "ttft_p95_ms": ttft_quantile_ms(row.ttft, 0.95),
    }


def _cost(row: CostRow | None) -> dict[str, object]:
    """The sums of a group; nothing of one whose calls came between the two questions."""
    return {
        "input_tokens": row.input_tokens if row else 0,
        "output_tokens": row.output_tokens if row else 0,
        "cost_usd": float(row.cost_usd) if row else 0.0,
        "api_equivalent_usd": float(row.api_equivalent_usd) if row else 0.0,
        "unpriced": row.unpriced if row else 0,
    }
