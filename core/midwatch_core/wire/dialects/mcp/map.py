"""MCP's streams for their editor: each message comes whole, and so does each of its texts."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.mcp.awaited import Awaited, Id, Messages
from midwatch_core.wire.dialects.mcp.outcome import error_of
from midwatch_core.wire.dialects.mcp.texts import message_texts
from midwatch_core.wire.editing.found import add_whole
from midwatch_core.wire.editing.slot import Reading, Slot
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Trouble


class McpMap:
    """Finds texts in the messages of one stream (see `StreamMap`)."""

    __slots__ = ("_messages", "_pending", "_read")

    def __init__(self, awaited: Awaited) -> None:
        self._messages = Messages(awaited)
        # What the client still waits for, in order; on a stream that listens, what was last read and did not go out.
        self._pending: dict[Id, None] = dict.fromkeys(awaited.ids)
        self._read: list[Id] = []

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        if name == "endpoint" or not data:
            return Reading(document=None)
        document = load(data)
        found = Reading(document=document)
        placed = list(self._messages.of(document, Trouble()))
        self._read = [message.answers for message in placed if message.answers is not None]
        for message in placed:
            add_whole(found, message_texts(message.node), message.node.path, message.pointer)
        return found

    def sent(self, name: str, document: Any) -> None:
        """The client has these answers."""
        for answered in self._read:
            self._pending.pop(answered, None)
        self._read = []

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """Never asked: a text that comes whole holds nothing back."""
        raise ValueError("a text of MCP has no deltas")

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """An error for each request that is not answered yet, so that no client waits for ever."""
        for answers in {**self._pending, **dict.fromkeys(self._read)}:
            yield "message", compact(error_of(refusal, answers)).encode()
