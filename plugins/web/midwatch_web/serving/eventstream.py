"""Exchanges as server-sent events, from the live feed to a browser or a program."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.responses import StreamingResponse

from midwatch_core import ExchangeRow, LiveFeed, StorageError

# Proxies between us and the reader close what is silent for longer.
KEEP_ALIVE_S = 15.0
# The format's own line ends; Python's splitlines knows more, and JSON may hold those.
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


def event(name: str, data: str, event_id: str | None = None) -> str:
    """One event; data of several lines is sent line by line, as the format wants."""
    lines = [f"event: {name}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    lines += [f"data: {line}" for line in _LINE_ENDS.split(data)]
    return "\n".join(lines) + "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream:
    """The feed's rows that `takes` lets through, one event `exchange` each, for as long as the reader stays.

    `newest` gives rows to send first: what the reader may have missed between its page and its subscription, or while
    its line was down. It is asked after subscribing, so a row may come twice, but none is missing. The stream ends when
    the reader is not `welcome` any more: a key that is revoked opens nothing, nor does what it opened stay open.
    """

    live: LiveFeed
    takes: Callable[[ExchangeRow], bool]
    data_of: Callable[[ExchangeRow], str]
    newest: Callable[[], Awaitable[Sequence[ExchangeRow]]] | None = None
    welcome: Callable[[], bool] = lambda: True
    keep_alive_s: float = KEEP_ALIVE_S

    def response(self) -> StreamingResponse:
        """The answer to a reader."""
        return StreamingResponse(self.texts(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def texts(self) -> AsyncGenerator[str, None]:
        """The text of the stream: a greeting, so that the reader knows it is connected; then rows and comments."""
        async with self.live.subscribe() as rows:
            yield "retry: 2000\nevent: hello\ndata: \n\n"
            for row in await self._missed():
                yield self._event(row)
            coming = asyncio.ensure_future(anext(rows, None))
            try:
                while True:
                    done, _ = await asyncio.wait({coming}, timeout=self.keep_alive_s)
                    if not self.welcome():
                        return
                    if not done:
                        yield ": still here\n\n"
                        continue
                    row_or_end = coming.result()
                    if row_or_end is None:
                        return
                    coming = asyncio.ensure_future(anext(rows, None))
                    if self.takes(row_or_end):
                        yield self._event(row_or_end)
            finally:
                coming.cancel()

    async def _missed(self) -> list[ExchangeRow]:
        """The newest rows, oldest first; none while the store is away: the feed goes on without it."""
        if self.newest is None:
            return []
        try:
            return list(reversed(await self.newest()))
        except StorageError:
            return []

    def _event(self, row: ExchangeRow) -> str:
        return event("exchange", self.data_of(row), row.id)
