"""A call's answer over WebSocket: messages are events already, so there is nothing to cut."""

from midwatch_core.wire.sse import MAX_EVENT_BYTES


class MessageFramer:
    """Whole messages in, ("", message) out; one above the bound is dropped."""

    __slots__ = ("overflowed",)

    def __init__(self) -> None:
        self.overflowed = False

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The message as an event; none for an empty one."""
        if len(data) > MAX_EVENT_BYTES:
            self.overflowed = True
            return []
        return [("", data)] if data else []

    def close(self) -> list[tuple[str, bytes]]:
        """A message is never left unfinished: the WebSocket layer gives only whole ones."""
        return []
