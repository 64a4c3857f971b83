"""The pages people open: the list of conversations, and one as a thread."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from midwatch_web.calls.board import read_choices
from midwatch_web.calls.listfilter import PERIODS, ListFilter
from midwatch_web.conversations.reading import outline_of
from midwatch_web.conversations.thread import Read, read_thread, thread_of
from midwatch_web.serving.asked import host_of, queries_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

ROWS_A_PAGE = 50
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


@router.get("/conversations")
async def conversations(request: Request, cursor: str | None = None) -> Response:
    """The newest conversations, or older ones from a cursor on."""
    chosen, now = ListFilter.from_query(request.query_params).summed(), host_of(request).clock.now()
    queries = queries_of(request)
    found = await queries.conversations(chosen.wanted(now), limit=ROWS_A_PAGE, cursor=cursor or None)
    return page(
        request,
        "conversations/conversations.html",
        chosen=chosen,
        found=found,
        choices=await read_choices(queries, chosen, now),
        periods=PERIODS,
        on_first_page=not cursor,
        older=chosen.query(cursor=found.cursor) if found.cursor else None,
    )


@router.get("/traces/{trace_id}")
async def thread(
    request: Request, trace_id: str, number: Annotated[int, Query(alias="page", ge=1, le=1000)] = 1
) -> Response:
    """One conversation."""
    queries = queries_of(request)
    read = await read_thread(queries, await outline_of(queries, trace_id), number)
    # In a thread: turns may be long, and the loop has exchanges to store.
    return await asyncio.to_thread(_page, request, read)


def _page(request: Request, read: Read) -> Response:
    return page(request, "conversations/thread.html", thread=thread_of(read), turns=TURNS, links=LINKS)
