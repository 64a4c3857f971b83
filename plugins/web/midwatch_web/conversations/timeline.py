"""A conversation on one page: its calls in the order of its talk, the tools in between, and when all that was."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import orjson
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import ExchangeRow, Outline, ToolSpan, TraceLine
from midwatch_web.serving.asked import queries_of
from midwatch_web.serving.templating import page

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1")

# The drawing's width in its own units, and what is drawn at least: a bar that can be seen.
WIDTH, _LEAST = 1000, 3
# Deeper branches stand where these do.
_DEEPEST = 6
TURNS = {
    "first": "begins",
    "next": "goes on",
    "branch": "branches off",
    "compaction": "goes on in short: what went before was summed up",
}
LINKS = {
    "traceparent": "its client's traceparent",
    "session": "its client's session",
    "response": "the provider's own ids",
    "chain": "what was said before",
    "alone": "nothing else: it stands alone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """When something was, in units of WIDTH."""

    start: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that ran."""

    span: ToolSpan
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call, after the tools whose results it brought."""

    row: ExchangeRow
    depth: int
    bar: Bar
    tools: tuple[Tool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    """All that the page shows. `cost_usd` sums what is known, `unpriced` counts the rest."""

    outline: Outline
    steps: tuple[Step, ...]
    began_at: datetime
    took_ms: float
    tools: int
    tokens: int | None
    cost_usd: Decimal
    unpriced: int


@pages.get("/traces/{trace_id}")
async def trace(request: Request, trace_id: str) -> Response:
    """One conversation."""
    outline = await _outline(request, trace_id)
    return page(request, "calls/trace.html", view=view_of(outline), turns=TURNS, links=LINKS)


@api.get("/traces/{trace_id}")
async def trace_json(request: Request, trace_id: str) -> Response:
    """A trace: `exchanges` with the keys of a row, `depth` and `tool_spans`; `cut` where there are older ones."""
    outline = await _outline(request, trace_id)
    document = {"trace_id": trace_id, "exchanges": [line.as_json() for line in outline.lines], "cut": outline.cut}
    return Response(orjson.dumps(document), media_type="application/json")


async def _outline(request: Request, trace_id: str) -> Outline:
    outline = await queries_of(request).outline(trace_id)
    if not outline.lines:
        raise HTTPException(404, "There is no such trace, or it is older than what is kept.")
    return outline


def view_of(outline: Outline) -> TraceView:
    """The page of a trace that has a line."""
    moments = sorted(moment for line in outline.lines for moment in _moments(line))
    began, ended = moments[0], moments[-1]
    rows = [line.row for line in outline.lines]
    tokens = [value for row in rows for value in (row.input_tokens, row.output_tokens) if value is not None]
    known = [row.cost_usd for row in rows if row.cost_usd is not None]
    return TraceView(
        outline=outline,
        steps=tuple(_step(line, began, ended) for line in outline.lines),
        began_at=began,
        took_ms=(ended - began).total_seconds() * 1000,
        tools=sum(len(line.row.tool_spans) for line in outline.lines),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(known, Decimal(0)),
        unpriced=len(rows) - len(known),
    )


def _moments(line: TraceLine) -> Iterator[datetime]:
    yield line.row.started_at
    yield _end(line.row)
    for span in line.row.tool_spans:
        yield span.started_at


def _end(row: ExchangeRow) -> datetime:
    return row.started_at + timedelta(milliseconds=row.duration_ms or 0)


def _step(line: TraceLine, began: datetime, ended: datetime) -> Step:
    def bar(start: datetime, end: datetime) -> Bar:
        whole = max((ended - began).total_seconds(), 0.001)
        at = round(WIDTH * (start - began).total_seconds() / whole)
        width = max(_LEAST, round(WIDTH * (end - start).total_seconds() / whole))
        return Bar(start=min(at, WIDTH - _LEAST), width=min(width, WIDTH))

    return Step(
        row=line.row,
        depth=min(line.depth, _DEEPEST),
        bar=bar(line.row.started_at, _end(line.row)),
        tools=tuple(Tool(span=span, bar=bar(span.started_at, span.ended_at)) for span in line.row.tool_spans),
    )
