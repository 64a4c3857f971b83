"""A JSON array that comes piece by piece, cut into its objects; a piece has the bracket or comma before its object."""

import re

from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.sse import MAX_EVENT_BYTES

_MARKS = re.compile(rb'["{}\[\]\\]')
_IN_STRING = re.compile(rb'["\\]')


class ArrayCutter:
    """Bytes in, one piece for each object directly inside the outermost array, and one for the array's end."""

    __slots__ = ("_buffer", "_depth", "_ended", "_in_string", "_object_at", "_passing", "_scan", "_start", "passed")

    def __init__(self) -> None:
        self.passed = 0
        self._buffer = bytearray()
        self._start = self._scan = 0
        self._depth = 0
        self._in_string = False
        self._object_at = -1
        self._passing = False
        self._ended = False

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes."""
        self._buffer += data
        pieces: list[Piece] = []
        while not self._ended:
            mark = (_IN_STRING if self._in_string else _MARKS).search(self._buffer, self._scan)
            if mark is None:
                self._scan = len(self._buffer)
                break
            if not self._step(mark.group(), mark.start(), pieces):
                break
        self._bound(pieces)
        self._trim()
        return pieces

    def close(self) -> list[Piece]:
        """What is left: an object that lacks its end, or what follows the array."""
        rest = bytes(self._buffer)
        at, self._object_at = self._object_at, -1
        self._buffer.clear()
        self._start = self._scan = 0
        if not rest:
            return []
        if at < 0 or self._passing:
            return [Piece(raw=rest)]
        return [Piece(raw=rest, data=rest[at:], spans=((at, len(rest)),), torn=True)]

    def event(self, name: str, data: bytes, *, first: bool) -> bytes:
        """An object of ours behind those that went out; `first` where there are none."""
        return (b"[" if first else b",\r\n") + data

    def end(self, *, first: bool) -> bytes:
        """The bracket that closes the array."""
        return b"[]" if first else b"\r\n]"

    def _step(self, mark: bytes, at: int, pieces: list[Piece]) -> bool:
        """Take one mark; False where the byte after a backslash has not come yet."""
        if mark == b"\\":
            if at + 1 >= len(self._buffer):
                self._scan = at
                return False
            self._scan = at + 2
            return True
        self._scan = at + 1
        if mark == b'"':
            self._in_string = not self._in_string
        elif mark in b"{[":
            if self._depth == 1 and mark == b"{":
                self._object_at = at
            self._depth += 1
        else:
            self._depth -= 1
            self._close_value(at + 1, pieces)
        return True

    def _close_value(self, end: int, pieces: list[Piece]) -> None:
        if self._depth == 1 and (self._object_at >= 0 or self._passing):
            pieces.append(self._object(end))
        elif self._depth <= 0:
            self._ended = True
            pieces.append(Piece(raw=bytes(self._buffer[self._start : end]), last=True))
            self._start = end

    def _object(self, end: int) -> Piece:
        raw = bytes(self._buffer[self._start : end])
        at = self._object_at - self._start
        passing, self._passing = self._passing, False
        self._start, self._object_at = end, -1
        if passing:
            return Piece(raw=raw)
        if len(raw) > MAX_EVENT_BYTES:
            self.passed += 1
            return Piece(raw=raw)
        return Piece(raw=raw, data=raw[at:], spans=((at, len(raw)),))

    def _bound(self, pieces: list[Piece]) -> None:
        """Give out what is held of an object that grew too large, and what follows the array."""
        held = self._scan - self._start
        if not self._passing and not self._ended and held > MAX_EVENT_BYTES:
            self._passing = True
            self.passed += 1
        if (self._passing and held) or (self._ended and len(self._buffer) - self._start > MAX_EVENT_BYTES):
            upto = len(self._buffer) if self._ended else self._scan
            pieces.append(Piece(raw=bytes(self._buffer[self._start : upto])))
            self._start = self._scan = upto
            self._object_at = -1

    def _trim(self) -> None:
        del self._buffer[: self._start]
        self._scan = max(self._scan - self._start, 0)
        if self._object_at >= 0:
            self._object_at -= self._start
        self._start = 0
