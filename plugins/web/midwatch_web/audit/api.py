"""The audit log, for programs: a page of it, all of it as a file, and whether it holds."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from midwatch_core import Verified, audit_row
from midwatch_web.access.asked import administration_of
from midwatch_web.audit.asked import Before, Wanted
from midwatch_web.audit.export import CSV, JSONL, entries_like
from midwatch_web.audit.looking import read_entries
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.exporting import MOST_ROWS

router = APIRouter(prefix="/api/v1", tags=["audit"])

type Most = Annotated[int, Query(ge=1, le=MOST_ROWS)]


@router.get("/audit")
async def audit(
    request: Request, wanted: Wanted, limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: Before = None
) -> Response:
    """A page, newest first: `audit` with the keys of `audit list --json`, and the `cursor` of the next page or null.

    With a filter a page may end early, even empty: its cursor goes on. A tenant's key sees what concerns its tenant.
    """
    found = await read_entries(administration_of(request), caller_of(request), wanted, limit=limit, before=cursor)
    return json_answer({"audit": [audit_row(entry) for entry in found.entries], "cursor": found.cursor})


@router.get("/audit.jsonl", response_class=StreamingResponse)
async def audit_jsonl(request: Request, wanted: Wanted, limit: Most = 10_000) -> Response:
    """The same entries, newest first, a line of JSON each."""
    return await JSONL.answer(request, entries_like(request, wanted), limit)


@router.get("/audit.csv", response_class=StreamingResponse)
async def audit_csv(request: Request, wanted: Wanted, limit: Most = 10_000) -> Response:
    """The same entries as CSV (RFC 4180); a cell that a spreadsheet would run as a formula has an apostrophe before."""
    return await CSV.answer(request, entries_like(request, wanted), limit)


@router.get("/audit/verify")
async def verify(request: Request) -> Response:
    """Read the whole log and tell whether each entry holds: `entries` that do, the first `fault` or null.

    `anchored` is the entry that this node remembers outside the store, or null: without one a cut end does not show.
    For keys of the installation.
    """
    return json_answer(told(await administration_of(request).verify_audit(caller_of(request))))


def told(verified: Verified) -> dict[str, object]:
    """What was found, with the keys of `audit verify --json`."""
    fault = verified.fault
    return {
        "entries": verified.entries,
        "anchored": verified.anchored,
        "fault": None if fault is None else {"number": fault.number, "reason": fault.reason},
    }
