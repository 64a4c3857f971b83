"""The audit log as a file: CSV and JSON lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from midwatch_core import AuditEntry, audit_row
from midwatch_web.access.asked import administration_of
from midwatch_web.audit.looking import AuditFilter, read_entries
from midwatch_web.serving.asked import caller_of
from midwatch_web.serving.exporting import Export, Read
from midwatch_web.serving.spreadsheet import csv_line

_COLUMNS = ("number", "at", "actor", "action", "subject", "tenant", "details", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """A page of entries, as a file is made of them."""

    rows: Sequence[AuditEntry]
    cursor: str | None


def entries_like(request: Request, wanted: AuditFilter) -> Read[AuditEntry]:
    """Reads pages of the entries that are wanted, in the caller's scope."""
    administration, caller = administration_of(request), caller_of(request)

    async def read(limit: int, cursor: str | None) -> _Entries:
        before = None if cursor is None else int(cursor)
        page = await read_entries(administration, caller, wanted, limit=limit, before=before)
        return _Entries(rows=page.entries, cursor=None if page.cursor is None else str(page.cursor))

    return read


def _jsonl_line(entry: AuditEntry) -> str:
    return orjson.dumps(audit_row(entry)).decode() + "\n"


def _csv_line(entry: AuditEntry) -> str:
    row = audit_row(entry)
    details = "; ".join(f"{name}: {value}" for name, value in entry.record.details.items())
    return csv_line({**row, "details": details}[name] for name in _COLUMNS)


JSONL = Export(name="audit", kind="jsonl", media_type="application/jsonl", line=_jsonl_line)
CSV = Export(name="audit", kind="csv", media_type="text/csv; charset=utf-8", line=_csv_line, head=csv_line(_COLUMNS))
