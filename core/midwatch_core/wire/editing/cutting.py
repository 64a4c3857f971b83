"""Which cutter a body takes: the same choice as its framer's."""

from typing import Protocol

from midwatch_core.wire.editing.array import ArrayCutter
from midwatch_core.wire.editing.eventstream import EventStreamCutter
from midwatch_core.wire.editing.lines import LineCutter
from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.editing.sse import SseCutter
from midwatch_core.wire.eventstream import EventStreamFramer
from midwatch_core.wire.framing import framer_for
from midwatch_core.wire.jsonarray import JsonArrayFramer
from midwatch_core.wire.ndjson import NdjsonFramer


class Cutter(Protocol):
    """An incremental cutter that loses no byte: any split of the body gives the same pieces.

    `passed` counts the events too large to be held (MAX_EVENT_BYTES), which go through as they come, unread.
    """

    passed: int

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes."""
        ...

    def close(self) -> list[Piece]:
        """What is left at the end of the body."""
        ...

    def event(self, name: str, data: bytes, *, first: bool) -> bytes:
        """An event of ours in this framing; `first` where no event has gone out yet."""
        ...

    def end(self, *, first: bool) -> bytes:
        """What closes a body that we end ourselves."""
        ...


def cutter_for(content_type: str, *, asked_to_stream: bool, head: bytes) -> Cutter | None:
    """The cutter for a body, chosen as `framer_for` chooses; None where the body is sent whole."""
    framer = framer_for(content_type, asked_to_stream=asked_to_stream, head=head)
    if framer is None:
        return None
    if isinstance(framer, NdjsonFramer):
        return LineCutter()
    if isinstance(framer, EventStreamFramer):
        return EventStreamCutter()
    return ArrayCutter() if isinstance(framer, JsonArrayFramer) else SseCutter()
