"""The editor of an answer that comes in messages over a WebSocket: what one of them becomes is messages again."""

from collections.abc import Callable

from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.editing.editor import StreamEditor, TextFilter
from midwatch_core.wire.editing.errors import StreamCut
from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.sse import MAX_EVENT_BYTES

# Ends each message on its way through the editor; JSON has it in no text unescaped (RFC 7464, section 2.1).
_END = b"\x1e"


class MessageEditor:
    """A `StreamEditor` for one call's answer on a socket. Messages with nothing changed keep their bytes.

    `unread` counts messages that passed unedited: too large to be an event, or no JSON.
    """

    __slots__ = ("_editor", "unread")

    def __init__(self, dialect: Dialect, make_filter: Callable[[str, Part, bool], TextFilter]) -> None:
        self._editor = StreamEditor(dialect, _MessageCutter(), make_filter)
        self.unread = 0

    @property
    def cut_by(self) -> StreamCut | None:
        """What a filter raised: the answer may not go on."""
        return self._editor.cut_by

    def feed(self, message: bytes) -> list[bytes]:
        """What goes out instead of the next message; where a filter cuts, what came before it."""
        if len(message) > MAX_EVENT_BYTES or _END in message:
            self.unread += 1
            return [message]
        return _apart(self._editor.feed(message))

    def cut(self, refusal: Refusal) -> list[bytes]:
        """The messages that end the answer now, in the dialect's own way; none where it has ended or has no such."""
        return _apart(self._editor.cut(refusal))


class _MessageCutter:
    """Whole messages in, one piece each out."""

    __slots__ = ("passed",)

    def __init__(self) -> None:
        self.passed = 0

    def feed(self, data: bytes) -> list[Piece]:
        return [Piece(raw=data + _END, data=data, spans=((0, len(data)),))]

    def close(self) -> list[Piece]:
        return []

    def event(self, name: str, data: bytes, *, first: bool) -> bytes:
        return data + _END

    def end(self, *, first: bool) -> bytes:
        return b""


def _apart(edited: bytes) -> list[bytes]:
    return edited.split(_END)[:-1]
