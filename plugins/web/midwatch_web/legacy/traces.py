"""Traces, spans, findings and statistics under the predecessor's paths."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import ConversationRow, ExchangeFilter, Queries
from midwatch_web.legacy.aliasing import aliased, page_or, paginated
from midwatch_web.legacy.reading import (
    MOST_ROWS,
    Limit,
    Offset,
    Wanted,
    first_day,
    fitting,
    found_ids,
    in_full,
    row_ids,
    total,
    within,
)
from midwatch_web.legacy.spans import span_of
from midwatch_web.serving.answers import utc
from midwatch_web.serving.asked import queries_of

# Exchanges of one trace in a list of traces.
_SPANS_OF_TRACE = 20
_MOST_TRACES = 20

type Score = Annotated[int | None, Query(ge=0, le=100)]


async def traces(
    request: Request,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    provider: str | None = None,
    model: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Response:
    """Traces with their spans, newest first, at most twenty of each. Now `/api/v1/traces`."""
    wanted = ExchangeFilter(since=utc(start_time), until=utc(end_time), provider=provider, model=model)

    async def answer() -> Response:
        most, queries = min(within(limit, offset), _MOST_TRACES), queries_of(request)
        page = await queries.conversations(wanted, limit=MOST_ROWS)
        told = [await _trace(queries, row) for row in page.rows[offset : offset + most]]
        return aliased(paginated(list(told), len(page.rows), most, offset), "/api/v1/traces")

    return await page_or(request, "/conversations", answer)


async def spans(
    request: Request,
    security_score_min: Score = None,
    security_score_max: Score = None,
    operation_name: str | None = None,
    model: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Response:
    """Calls as spans, newest first. Now `/api/v1/exchanges`.

    With a score or an operation the newest three hundred are looked at, and `total` counts what was found.
    """
    wanted = Wanted(least=security_score_min, most=security_score_max, operation=operation_name)

    async def answer() -> Response:
        most, queries = within(limit, offset), queries_of(request)
        filtered = ExchangeFilter(model=model)
        ids = await (found_ids(queries, model) if wanted.least else row_ids(queries, filtered))
        if wanted.narrow:
            fits = await fitting(queries, ids, wanted, offset + most)
            found, count = fits[offset:], len(fits)
        else:
            found, count = await in_full(queries, ids[offset : offset + most]), await total(queries, filtered)
        return aliased(paginated([span_of(item) for item in found], count, most, offset), "/api/v1/exchanges")

    return await page_or(request, "/calls", answer)


async def span(request: Request, span_id: str) -> Response:
    """One call as a span. Now `/api/v1/exchanges/{exchange_id}`."""
    found = await queries_of(request).exchange(span_id)
    if found is None:
        raise HTTPException(404, "There is no such span.")
    return aliased(span_of(found), f"/api/v1/exchanges/{found.id}")


async def security_findings(request: Request, limit: Limit = 50, offset: Offset = 0) -> Response:
    """Spans that something was found in, newest first. Now `/api/v1/findings`."""

    async def answer() -> Response:
        most, queries = within(limit, offset), queries_of(request)
        ids = await found_ids(queries)
        found = await in_full(queries, ids[offset : offset + most])
        return aliased(paginated([span_of(item) for item in found], len(ids), most, offset), "/api/v1/findings")

    return await page_or(request, "/findings", answer)


async def stats(request: Request) -> Response:
    """How much is kept. Now `/api/v1/costs`.

    `oldest_trace` is the midnight of the first day; how many traces there are, and their bytes, is not kept: null.
    """

    async def answer() -> Response:
        queries = queries_of(request)
        newest = await queries.exchanges(ExchangeFilter(), limit=1)
        document = {
            "total_traces": None,
            "total_spans": await total(queries, ExchangeFilter()),
            "storage_size_bytes": None,
            "oldest_trace": await first_day(queries),
            "newest_trace": newest.rows[0].started_at.isoformat() if newest.rows else None,
        }
        return aliased(document, "/api/v1/costs")

    return await page_or(request, "/", answer)


async def _trace(queries: Queries, row: ConversationRow) -> dict[str, object]:
    page = await queries.exchanges(ExchangeFilter(trace_id=row.trace_id), limit=_SPANS_OF_TRACE)
    found = await in_full(queries, (item.id for item in reversed(page.rows)))
    return {
        "trace_id": row.trace_id,
        "tenant_id": row.tenant,
        "spans": [span_of(item) for item in found],
        "created_at": row.started_at.isoformat(),
    }
