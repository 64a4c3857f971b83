"""Newline-delimited JSON cut into pieces that keep every byte."""

from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.sse import MAX_EVENT_BYTES


class LineCutter:
    """Bytes in, one piece a line out; a line of blanks is no event."""

    __slots__ = ("_buffer", "_passing", "_scan", "passed")

    def __init__(self) -> None:
        self.passed = 0
        self._buffer = bytearray()
        self._scan = 0
        self._passing = False

    def feed(self, data: bytes) -> list[Piece]:
        """The lines that `data` completes."""
        self._buffer += data
        pieces: list[Piece] = []
        start = 0
        while (found := self._buffer.find(b"\n", max(self._scan, start))) >= 0:
            pieces.append(self._piece(bytes(self._buffer[start : found + 1])))
            start = found + 1
        del self._buffer[:start]
        self._scan = len(self._buffer)
        self._bound(pieces)
        return pieces

    def close(self) -> list[Piece]:
        """A last line without its newline."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._scan = 0
        return [self._piece(rest, torn=True)] if rest else []

    def event(self, name: str, data: bytes, *, first: bool) -> bytes:
        """A line of ours."""
        return data + b"\n"

    def end(self, *, first: bool) -> bytes:
        """The body needs no closing."""
        return b""

    def _piece(self, raw: bytes, *, torn: bool = False) -> Piece:
        mend = b"\n" if torn else b""
        if self._passing:
            self._passing = False
            return Piece(raw=raw, mend=mend)
        data = raw.strip()
        if len(data) > MAX_EVENT_BYTES:
            self.passed += 1
            return Piece(raw=raw, mend=mend)
        if not data:
            return Piece(raw=raw)
        at = raw.index(data)
        return Piece(raw=raw, data=data, spans=((at, at + len(data)),), mend=mend, torn=torn)

    def _bound(self, pieces: list[Piece]) -> None:
        if not self._passing and len(self._buffer) > MAX_EVENT_BYTES:
            self._passing = True
            self.passed += 1
        if self._passing and self._buffer:
            pieces.append(Piece(raw=bytes(self._buffer), mend=b"\n"))
            self._buffer.clear()
            self._scan = 0
