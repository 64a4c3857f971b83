"""MCP's streams: each event is a message of the server, the awaited answers among them."""

from midwatch_core.model.content import FinishReason
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.mcp.awaited import Awaited, Messages
from midwatch_core.wire.dialects.mcp.outcome import FAILED, has_failed, read_error
from midwatch_core.wire.dialects.mcp.texts import message_texts
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble


class McpStream:
    """Reads one stream (see `StreamReader`): it is complete with the last awaited answer, without any at its end."""

    __slots__ = ("_assembly", "_messages", "_pending")

    def __init__(self, assembly: Assembly, awaited: Awaited) -> None:
        self._assembly = assembly
        self._messages = Messages(awaited)
        self._pending = set(awaited.ids)

    def event(self, name: str, data: bytes) -> None:
        """Read one event. `endpoint` names where to send to, an event without data where to go on from."""
        if name == "endpoint" or not data:
            return
        trouble = Trouble()
        for message in self._messages.of(load(data), trouble):
            self._message(message.node)
            if message.answers in self._pending:
                self._pending.discard(message.answers)
                self._assembly.complete = not self._pending
        if trouble.first:
            self._assembly.note(trouble.first)

    def end(self) -> None:
        """A server may end its stream before it has answered (2025-11-25): the client asks for the rest by GET."""
        if not self._pending:
            self._assembly.complete = True

    def _message(self, message: Node) -> None:
        for segment in message_texts(message):
            self._assembly.block(segment.part, segment.path).append(segment.text)
        if error := read_error(message):
            self._assembly.fail(error)
        elif has_failed(message):
            self._assembly.finish(FinishReason.ERROR, FAILED)
