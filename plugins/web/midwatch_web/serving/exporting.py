"""Rows as a file, sent as they are read: page after page, and never more than was asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import StreamingResponse

from midwatch_web.serving.asked import welcome_of

MOST_ROWS = 100_000
_ROWS_A_PAGE = 500
# A search may find nothing on page after page; this many are some millions of rows.
_MOST_PAGES = 5000


class Paged[Row](Protocol):
    """A page of rows, and the cursor of the next; None on the last."""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows, in their order."""
        ...

    @property
    def cursor(self) -> str | None:
        """Where the next page begins."""
        ...


type Read[Row] = Callable[[int, str | None], Awaitable[Paged[Row]]]
"""Reads a page of at most so many rows, from a cursor on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export[Row]:
    """A kind of file named `name`: its `line` for a row, and its `head` before all."""

    name: str
    kind: str
    media_type: str
    line: Callable[[Row], str]
    head: str = ""

    async def answer(self, request: Request, read: Read[Row], limit: int) -> StreamingResponse:
        """The file. Its first page is read before the answer begins: what the store refuses is told as an error.

        Where the store fails later, or the caller's key ends, the transfer breaks: a file that ends well is whole.
        """
        first = await read(min(limit, _ROWS_A_PAGE), None)
        disposition = f'attachment; filename="midwatch-{self.name}.{self.kind}"'
        lines = self._lines(welcome_of(request), read, limit, first)
        return StreamingResponse(lines, media_type=self.media_type, headers={"Content-Disposition": disposition})

    async def _lines(
        self, welcome: Callable[[], bool], read: Read[Row], limit: int, page: Paged[Row]
    ) -> AsyncIterator[bytes]:
        if self.head:
            yield self.head.encode()
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
            page = await read(min(left, _ROWS_A_PAGE), page.cursor)
        raise ConnectionAbortedError("too many pages were looked through")
