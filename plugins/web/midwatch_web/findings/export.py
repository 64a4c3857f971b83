"""Findings as a file: CSV and JSON lines."""

import orjson
from starlette.requests import Request

from midwatch_core import FindingFilter, FindingPage, FindingRow, TriageState
from midwatch_web.serving.asked import queries_of
from midwatch_web.serving.exporting import Export, Read
from midwatch_web.serving.spreadsheet import csv_line

_COLUMNS = tuple(FindingRow.__dataclass_fields__)


def findings_like(request: Request, wanted: FindingFilter, state: TriageState | None) -> Read[FindingRow]:
    """Reads pages of the findings that are wanted, in the caller's scope."""
    queries = queries_of(request)

    async def read(limit: int, cursor: str | None) -> FindingPage:
        return await queries.findings(wanted, state=state, limit=limit, cursor=cursor)

    return read


def _jsonl_line(row: FindingRow) -> str:
    return orjson.dumps(row.as_json()).decode() + "\n"


def _csv_line(row: FindingRow) -> str:
    return csv_line(_cell(value) for value in map(row.as_json().__getitem__, _COLUMNS))


def _cell(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, list) else value


JSONL = Export(name="findings", kind="jsonl", media_type="application/jsonl", line=_jsonl_line)
CSV = Export(name="findings", kind="csv", media_type="text/csv; charset=utf-8", line=_csv_line, head=csv_line(_COLUMNS))
