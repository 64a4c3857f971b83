"""How a streamed body is cut into events: SSE, NDJSON, AWS event streams, JSON arrays, or messages as they are."""

from typing import Protocol

from midwatch_core.wire.eventstream import CONTENT_TYPE as AWS_EVENT_STREAM
from midwatch_core.wire.eventstream import EventStreamFramer
from midwatch_core.wire.jsonarray import JsonArrayFramer
from midwatch_core.wire.messages import MessageFramer
from midwatch_core.wire.ndjson import NdjsonFramer
from midwatch_core.wire.socket import MESSAGES
from midwatch_core.wire.sse import SseFramer


class Framer(Protocol):
    """An incremental cutter: any split of the bytes gives the same events."""

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The events that `data` completes, as (name, data)."""
        ...

    def close(self) -> list[tuple[str, bytes]]:
        """The event left unfinished at the end of the body, if any."""
        ...

    @property
    def overflowed(self) -> bool:
        """Whether an event was larger than may be kept, and dropped."""
        ...


_BY_CONTENT_TYPE: dict[str, type[SseFramer | NdjsonFramer | EventStreamFramer | MessageFramer]] = {
    "text/event-stream": SseFramer,
    "application/x-ndjson": NdjsonFramer,
    "application/ndjson": NdjsonFramer,
    "application/jsonl": NdjsonFramer,
    "application/stream+json": NdjsonFramer,  # Cohere's version 1
    AWS_EVENT_STREAM: EventStreamFramer,
    MESSAGES: MessageFramer,
}


def framer_for(content_type: str, *, asked_to_stream: bool, head: bytes) -> Framer | None:
    """The framer for a body, by its content type, else by its first bytes; None where it is sent whole.

    Some servers stream SSE with no content type, or as `text/plain`; Gemini streams a JSON array as
    `application/json`, which is only looked for where the client asked for a stream.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _BY_CONTENT_TYPE:
        return _BY_CONTENT_TYPE[kind]()
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith((b"data:", b"event:", b":", b"id:", b"retry:")):
        return SseFramer()
    if asked_to_stream and start.startswith(b"["):
        return JsonArrayFramer()
    return None
