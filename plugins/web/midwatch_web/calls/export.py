"""Rows of calls as a file, sent as they are read: page after page, and never more than was asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse

from midwatch_core import ExchangeFilter, ExchangeRow, Page
from midwatch_web.calls.outcome import Outcome, read_rows
from midwatch_web.serving.asked import queries_of, welcome_of
from midwatch_web.serving.spreadsheet import csv_line

MOST_ROWS = 100_000
_ROWS_A_PAGE = 500
# A search may find nothing on page after page; this many are some millions of calls.
_MOST_PAGES = 5000
# All that a row has, but for the runs of tools: those are no one cell's.
_COLUMNS = tuple(name for name in ExchangeRow.__dataclass_fields__ if name != "tool_spans")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A kind of file: its `line` for a row, and its `head` before all."""

    kind: str
    media_type: str
    line: Callable[[ExchangeRow], str]
    head: str = ""

    async def answer(
        self, request: Request, wanted: ExchangeFilter, outcome: Outcome | None, limit: int
    ) -> StreamingResponse:
        """The file. Its first page is read before the answer begins: what the store refuses is told as an error.

        Where the store fails later, or the caller's key ends, the transfer breaks: a file that ends well is whole.
        """
        first = await read_rows(queries_of(request), wanted, outcome, limit=min(limit, _ROWS_A_PAGE))
        disposition = f'attachment; filename="midwatch-exchanges.{self.kind}"'
        lines = self._lines(request, wanted, outcome, limit, first)
        return StreamingResponse(lines, media_type=self.media_type, headers={"Content-Disposition": disposition})

    async def _lines(
        self, request: Request, wanted: ExchangeFilter, outcome: Outcome | None, limit: int, page: Page
    ) -> AsyncIterator[bytes]:
        if self.head:
            yield self.head.encode()
        queries, welcome = queries_of(request), welcome_of(request)
        left = limit
        for _ in range(_MOST_PAGES):
            text = "".join(map(self.line, page.rows))
            yield text.encode("utf-8", "replace")
            left -= len(page.rows)
            if left <= 0 or page.cursor is None:
                return
            await asyncio.sleep(0)  # the loop has calls to store
            if not welcome():
                raise ConnectionAbortedError("the key that asked has ended")
            limit_now = min(left, _ROWS_A_PAGE)
            page = await read_rows(queries, wanted, outcome, limit=limit_now, cursor=page.cursor)
        raise ConnectionAbortedError("too many pages were looked through")


def _jsonl_line(row: ExchangeRow) -> str:
    return orjson.dumps(row.as_json()).decode() + "\n"


def _csv_line(row: ExchangeRow) -> str:
    values = row.as_json()
    return csv_line(_cell(values[name]) for name in _COLUMNS)


def _cell(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


JSONL = Export(kind="jsonl", media_type="application/jsonl", line=_jsonl_line)
CSV = Export(kind="csv", media_type="text/csv; charset=utf-8", line=_csv_line, head=csv_line(_COLUMNS))
