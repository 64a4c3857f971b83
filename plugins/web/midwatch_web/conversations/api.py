"""Conversations for programs: a page of them, and one as its calls."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from midwatch_web.calls.api import Narrowed
from midwatch_web.conversations.reading import outline_of
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import queries_of

router = APIRouter(prefix="/api/v1")


@router.get("/traces")
async def traces(
    request: Request,
    wanted: Narrowed,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: str | None = None,
) -> Response:
    """A page of conversations that have a call which the filter wants, newest first: `traces`, and the next `cursor`.

    Each has its ids, moments, models, and sums over all its calls. Search in texts by `/exchanges`.
    """
    found = await queries_of(request).conversations(wanted, limit=limit, cursor=cursor)
    return json_answer({"traces": [row.as_json() for row in found.rows], "cursor": found.cursor})


@router.get("/traces/{trace_id}")
async def trace(request: Request, trace_id: str) -> Response:
    """A trace: `exchanges` with the keys of a row, `depth` and `tool_spans`; `cut` where there are older ones."""
    outline = await outline_of(queries_of(request), trace_id)
    lines = [line.as_json() for line in outline.lines]
    return json_answer({"trace_id": trace_id, "exchanges": lines, "cut": outline.cut})
