"""Rows of calls as a file: CSV and JSON lines."""

import orjson
from starlette.requests import Request

from midwatch_core import ExchangeFilter, ExchangeRow, Page
from midwatch_web.calls.outcome import Outcome, read_rows
from midwatch_web.serving.asked import queries_of
from midwatch_web.serving.exporting import Export, Read
from midwatch_web.serving.spreadsheet import csv_line

# All that a row has, but for the runs of tools: those are no one cell's.
_COLUMNS = tuple(name for name in ExchangeRow.__dataclass_fields__ if name != "tool_spans")


def rows_like(request: Request, wanted: ExchangeFilter, outcome: Outcome | None) -> Read[ExchangeRow]:
    """Reads pages of the calls that are wanted, in the caller's scope."""
    queries = queries_of(request)

    async def read(limit: int, cursor: str | None) -> Page:
        return await read_rows(queries, wanted, outcome, limit=limit, cursor=cursor)

    return read


def _jsonl_line(row: ExchangeRow) -> str:
    return orjson.dumps(row.as_json()).decode() + "\n"


def _csv_line(row: ExchangeRow) -> str:
    values = row.as_json()
    return csv_line(_cell(values[name]) for name in _COLUMNS)


def _cell(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


JSONL = Export(name="exchanges", kind="jsonl", media_type="application/jsonl", line=_jsonl_line)
CSV = Export(
    name="exchanges", kind="csv", media_type="text/csv; charset=utf-8", line=_csv_line, head=csv_line(_COLUMNS)
)
