"""A JSON array that comes piece by piece (Gemini's stream without `alt=sse`), cut into its objects."""

import re

from midwatch_core.wire.sse import MAX_EVENT_BYTES

_MARKS = re.compile(rb'["{}\[\]\\]')
_IN_STRING = re.compile(rb'["\\]')


class JsonArrayFramer:
    """Bytes in, ("", object) out for each object directly inside the outermost array."""

    __slots__ = ("_buffer", "_depth", "_in_string", "_object_at", "_scanned", "overflowed")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._object_at = -1
        self.overflowed = False

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The objects that `data` completes."""
        self._buffer += data
        events: list[tuple[str, bytes]] = []
        while mark := (_IN_STRING if self._in_string else _MARKS).search(self._buffer, self._scanned):
            if not self._step(mark.group(), mark.start(), events):
                break
        else:
            self._scanned = len(self._buffer)
        self._forget()
        return events

    def close(self) -> list[tuple[str, bytes]]:
        """The object left unfinished: the reader of JSON takes what it can of it."""
        rest = bytes(self._buffer[self._object_at :]) if self._object_at >= 0 else b""
        self._buffer.clear()
        self._object_at = -1
        self._scanned = 0
        return [("", rest)] if rest else []

    def _step(self, mark: bytes, at: int, events: list[tuple[str, bytes]]) -> bool:
        """Take one mark; False where the byte after a backslash has not come yet."""
        if mark == b"\\":
            if at + 1 >= len(self._buffer):
                self._scanned = at
                return False
            self._scanned = at + 2
            return True
        self._scanned = at + 1
        if mark == b'"':
            self._in_string = not self._in_string
        elif mark in b"{[":
            if self._depth == 1 and mark == b"{":
                self._object_at = at
            self._depth += 1
        else:
            self._depth -= 1
            if self._depth == 1 and self._object_at >= 0:
                events.append(("", bytes(self._buffer[self._object_at : at + 1])))
                self._object_at = -1
        return True

    def _forget(self) -> None:
        """Drop what was given out, and an object that grew past the bound."""
        keep_from = self._object_at if self._object_at >= 0 else self._scanned
        if len(self._buffer) - keep_from > MAX_EVENT_BYTES:
            self.overflowed = True
            keep_from = self._scanned
            self._object_at = -1
        del self._buffer[:keep_from]
        self._scanned -= keep_from
        if self._object_at >= 0:
            self._object_at = 0
