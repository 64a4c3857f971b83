"""AWS event streams cut into pieces that keep every byte; what is changed gets its lengths and checksums anew."""

from dataclasses import dataclass

from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.eventstream import Message, MessageReader, event_message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePiece(Piece):
    """A piece that is one whole message."""

    message: Message

    def with_data(self, new: bytes) -> bytes:
        """The message with other data, its headers kept."""
        return self.message.with_data(new)


class EventStreamCutter:
    """Bytes in, one piece a message out. From the first bytes that are no message on, all passes as it comes."""

    __slots__ = ("_reader", "passed")

    def __init__(self) -> None:
        self.passed = 0
        self._reader = MessageReader()

    def feed(self, data: bytes) -> list[Piece]:
        """The messages that `data` completes."""
        if self._reader.trouble:
            return [Piece(raw=data)] if data else []
        pieces: list[Piece] = [_piece(message) for message in self._reader.feed(data)]
        if self._reader.trouble:
            self.passed += 1
            pieces.append(Piece(raw=self._reader.take()))
        return pieces

    def close(self) -> list[Piece]:
        """A message that was not sent to its end."""
        rest = self._reader.take()
        return [Piece(raw=rest, torn=True)] if rest else []

    def event(self, name: str, data: bytes, *, first: bool) -> bytes:
        """A message of ours."""
        return event_message(name, data)

    def end(self, *, first: bool) -> bytes:
        """The body needs no closing."""
        return b""


def _piece(message: Message) -> MessagePiece:
    # Nothing of an event without data (an initial response) is for a reader.
    data = message.data if message.name else None
    return MessagePiece(raw=message.raw, name=message.name, data=data, message=message)
