"""Newline-delimited JSON, cut incrementally from bytes."""

from midwatch_core.wire.sse import MAX_EVENT_BYTES


class NdjsonFramer:
    """Bytes in, ("", line) out; empty lines are passed over."""

    __slots__ = ("_buffer", "overflowed")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.overflowed = False

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The lines that `data` completes."""
        self._buffer += data
        if b"\n" not in data:
            self._bound()
            return []
        lines = bytes(self._buffer).split(b"\n")
        self._buffer[:] = lines.pop()
        self._bound()
        return [("", stripped) for line in lines if (stripped := line.strip())]

    def close(self) -> list[tuple[str, bytes]]:
        """A last line without its newline."""
        return self.feed(b"\n")

    def _bound(self) -> None:
        if len(self._buffer) > MAX_EVENT_BYTES:
            self.overflowed = True
            self._buffer.clear()
