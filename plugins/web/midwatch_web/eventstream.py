"""Exchanges as server-sent events, from the live feed to a browser or a program."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable

from starlette.responses import StreamingResponse

from midwatch_core.host import LiveFeed
from midwatch_core.listing import ExchangeRow

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


def live_response(
    live: LiveFeed,
    takes: Callable[[ExchangeRow], bool],
    data_of: Callable[[ExchangeRow], str],
    *,
    keep_alive_s: float = KEEP_ALIVE_S,
) -> StreamingResponse:
    """The feed's rows that `takes` lets through, one event `exchange` each, for as long as the reader stays."""
    return StreamingResponse(
        live_events(live, takes, data_of, keep_alive_s=keep_alive_s),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def live_events(
    live: LiveFeed,
    takes: Callable[[ExchangeRow], bool],
    data_of: Callable[[ExchangeRow], str],
    *,
    keep_alive_s: float,
) -> AsyncGenerator[str, None]:
    """The text of the stream: first a greeting, so that the reader knows it is connected; then rows and comments."""
    async with live.subscribe() as rows:
        yield "retry: 2000\nevent: hello\ndata: \n\n"
        coming = asyncio.ensure_future(anext(rows, None))
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=keep_alive_s)
                if not done:
                    yield ": still here\n\n"
                    continue
                row = coming.result()
                if row is None:
                    return
                coming = asyncio.ensure_future(anext(rows, None))
                if takes(row):
                    yield event("exchange", data_of(row), row.id)
        finally:
            coming.cancel()
