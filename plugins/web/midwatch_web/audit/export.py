"""The audit log as a file, sent as it is read; its first page before the answer begins, so that a refusal is told."""

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse

from midwatch_core import AuditEntry, audit_row
from midwatch_web.access.asked import administration_of
from midwatch_web.audit.looking import AuditFilter, AuditPage, read_entries
from midwatch_web.serving.asked import caller_of, welcome_of
from midwatch_web.serving.spreadsheet import csv_line

MOST_ENTRIES = 100_000
_ENTRIES_A_PAGE = 500
# A filter may find nothing on page after page; this many are some millions of entries.
_MOST_PAGES = 1000
_COLUMNS = ("number", "at", "actor", "action", "subject", "tenant", "details", "digest")


async def as_jsonl(request: Request, wanted: AuditFilter, limit: int) -> StreamingResponse:
    """A line of JSON for each entry."""
    return await _file(request, wanted, limit, "jsonl", "application/jsonl", _jsonl_line, head="")


async def as_csv(request: Request, wanted: AuditFilter, limit: int) -> StreamingResponse:
    """A line of CSV for each entry, its details in one cell."""
    return await _file(request, wanted, limit, "csv", "text/csv; charset=utf-8", _csv_line, head=csv_line(_COLUMNS))


async def _file(
    request: Request,
    wanted: AuditFilter,
    limit: int,
    kind: str,
    media_type: str,
    line: Callable[[AuditEntry], str],
    *,
    head: str,
) -> StreamingResponse:
    first = await _read(request, wanted, limit, None)
    named = {"Content-Disposition": f'attachment; filename="midwatch-audit.{kind}"'}
    lines = _lines(request, wanted, limit, first, line, head)
    return StreamingResponse(lines, media_type=media_type, headers=named)


async def _lines(
    request: Request, wanted: AuditFilter, limit: int, page: AuditPage, line: Callable[[AuditEntry], str], head: str
) -> AsyncIterator[bytes]:
    yield head.encode()
    welcome = welcome_of(request)
    for _ in range(_MOST_PAGES):
        yield "".join(map(line, page.entries)).encode("utf-8", "replace")
        limit -= len(page.entries)
        if limit <= 0 or page.cursor is None:
            return
        await asyncio.sleep(0)  # the loop has calls to store
        if not welcome():
            raise ConnectionAbortedError("the key that asked has ended")
        page = await _read(request, wanted, limit, page.cursor)
    raise ConnectionAbortedError("too many pages were looked through")


async def _read(request: Request, wanted: AuditFilter, limit: int, before: int | None) -> AuditPage:
    return await read_entries(
        administration_of(request), caller_of(request), wanted, limit=min(limit, _ENTRIES_A_PAGE), before=before
    )


def _jsonl_line(entry: AuditEntry) -> str:
    return orjson.dumps(audit_row(entry)).decode() + "\n"


def _csv_line(entry: AuditEntry) -> str:
    row = audit_row(entry)
    details = "; ".join(f"{name}: {value}" for name, value in entry.record.details.items())
    return csv_line({**row, "details": details}[name] for name in _COLUMNS)
