"""The page of the audit log, with the result of verifying it where that was asked for."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_core import Verified
from midwatch_web.access.asked import administration_of
from midwatch_web.audit.asked import Before, Wanted
from midwatch_web.audit.looking import AuditFilter, read_entries
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

_ENTRIES_A_PAGE = 100


@router.get("/audit")
async def audit(request: Request, wanted: Wanted, cursor: Before = None) -> Response:
    """The newest entries, or older ones from a cursor on."""
    return await _log(request, wanted, cursor)


@router.get("/audit/verify")
async def verify(request: Request) -> Response:
    """The newest entries, beneath whether the whole log holds."""
    verified = await administration_of(request).verify_audit(caller_of(request))
    return await _log(request, AuditFilter(), None, verified)


async def _log(request: Request, wanted: AuditFilter, cursor: int | None, verified: Verified | None = None) -> Response:
    administration, caller = administration_of(request), caller_of(request)
    found = await read_entries(administration, caller, wanted, limit=_ENTRIES_A_PAGE, before=cursor)
    return page(
        request,
        "audit/audit.html",
        entries=found.entries,
        wanted=wanted,
        narrowed=bool(wanted.chosen()),
        verified=verified,
        newest=cursor is None,
        query=_query(wanted),
        older=_query(wanted, cursor=str(found.cursor)) if found.cursor else None,
    )


def _query(wanted: AuditFilter, **more: str) -> str:
    chosen = urlencode({**wanted.chosen(), **more}, errors="replace")
    return f"?{chosen}" if chosen else ""
