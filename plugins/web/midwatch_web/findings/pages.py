"""The pages people open: the list of findings, and one with the text around it."""

import asyncio

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import MAX_NOTE, Permission, TriageState
from midwatch_web.calls.listfilter import PERIODS
from midwatch_web.findings.asked import ACTIONS, SEVERITIES, FindingsAsked
from midwatch_web.findings.listing import read_listing
from midwatch_web.findings.owasp import named
from midwatch_web.findings.reading import Found, read_found
from midwatch_web.serving.asked import caller_of, host_of, queries_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

STATES = {
    TriageState.OPEN: "Open",
    TriageState.ACKNOWLEDGED: "Acknowledged",
    TriageState.FALSE_POSITIVE: "False positives",
}


@router.get("/findings")
async def findings(request: Request, cursor: str | None = None, judged: str = "") -> Response:
    """The newest findings, or older ones from a cursor on; `judged` is how many a form has just judged."""
    asked = FindingsAsked.from_query(request.query_params)
    listing = await read_listing(queries_of(request), asked, host_of(request).clock.now(), cursor or None)
    return page(
        request,
        "findings/findings.html",
        listing=listing,
        periods=PERIODS,
        states=STATES,
        severities=SEVERITIES,
        actions=ACTIONS,
        judges=judges(request),
        judged=judged if judged.isascii() and judged.isdigit() and len(judged) < 4 else "",
    )


@router.get("/findings/{finding_id}")
async def finding(request: Request, finding_id: str) -> Response:
    """One finding."""
    found = await read_found(queries_of(request), host_of(request).triaging, finding_id)
    if found is None:
        raise HTTPException(404, "There is no such finding, or its call is older than what is kept.")
    # In a thread: a text may be long, and the loop has exchanges to store.
    return await asyncio.to_thread(_page, request, found)


def judges(request: Request) -> bool:
    """Whether the caller may judge findings, and this process keeps judgements."""
    return host_of(request).triaging is not None and caller_of(request).may(Permission.OPERATE)


def _page(request: Request, found: Found) -> Response:
    return page(
        request,
        "findings/finding.html",
        found=found,
        owasp=named(found.row.owasp),
        judges=judges(request),
        proposes=caller_of(request).tenant is None and host_of(request).policies is not None,
        most_note=MAX_NOTE,
    )
