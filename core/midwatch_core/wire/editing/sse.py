"""Server-sent events cut into pieces that keep every byte; what is an event is what `wire.sse` takes for one."""

import re

from midwatch_core.wire.editing.piece import Piece
from midwatch_core.wire.sse import MAX_EVENT_BYTES

_EOL = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
# What a remembered line costs beside its bytes: many empty ones must not add up.
_LINE_COST = 128


class SseCutter:
    """Bytes in, pieces out. A comment before an event is a piece of its own, so that keep-alives are never held."""

    __slots__ = (
        "_begun",
        "_buffer",
        "_eol",
        "_line",
        "_name",
        "_passing",
        "_scan",
        "_spans",
        "_start",
        "_top",
        "passed",
    )

    def __init__(self) -> None:
        self.passed = 0
        self._buffer = bytearray()
        # Places in the buffer: the piece under way, the line under way, and how far line ends were looked for.
        self._start = self._line = self._scan = 0
        self._name = ""
        # Where the data lines are, counted from the piece's start.
        self._spans: list[tuple[int, int]] = []
        self._eol = b"\n"
        # In an event that is passed on unread: whether its line under way has bytes already given out.
        self._passing = False
        self._begun = False
        self._top = True

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes."""
        self._buffer += data
        return self._cut(final=False)

    def close(self) -> list[Piece]:
        """What is left; an event whose blank line never came is one all the same."""
        pieces = self._cut(final=True)
        if self._line < len(self._buffer):
            self._read(len(self._buffer))
        if self._start < len(self._buffer):
            pieces.append(self._piece(len(self._buffer), torn=True))
        self._trim()
        return pieces

    def event(self, name: str, data: bytes, *, first: bool) -> bytes:
        """An event of ours."""
        named = b"event: " + name.encode() + self._eol if name else b""
        return named + b"data: " + data + self._eol * 2

    def end(self, *, first: bool) -> bytes:
        """The body needs no closing."""
        return b""

    def _cut(self, *, final: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while found := _EOL.search(self._buffer, self._scan):
            if found.group() == b"\r" and found.end() == len(self._buffer) and not final:
                self._scan = found.start()  # it may be half a CRLF
                break
            self._eol = found.group()
            if self._read(found.start()):
                pieces.append(self._piece(found.end()))
            self._line = self._scan = found.end()
            self._begun = False
        else:
            self._scan = len(self._buffer)
        self._bound(pieces)
        self._trim()
        return pieces

    def _read(self, end: int) -> bool:
        """Take the line that ends at `end`; True where a piece ends with it."""
        buffer, at = self._buffer, self._line
        if self._top:
            self._top = False
            at += len(_BOM) if buffer.startswith(_BOM, at) else 0
        if at == end:
            return not self._begun
        if self._passing:
            return False
        if buffer.startswith(b"data:", at):
            begin = at + 5
            if buffer[begin : begin + 1] == b" " and begin < end:
                begin += 1
            self._spans.append((begin - self._start, end - self._start))
        elif buffer.startswith(b"event:", at):
            self._name = buffer[at + 6 : end].strip().decode("utf-8", "replace")
        elif buffer.startswith(b":", at):
            return self._line == self._start
        elif end - at == 4 and buffer.startswith(b"data", at):
            self._spans.append((end - self._start, end - self._start))
        return False

    def _piece(self, end: int, *, torn: bool = False) -> Piece:
        raw = bytes(self._buffer[self._start : end])
        spans, name, self._spans, self._name = tuple(self._spans), self._name, [], ""
        too_large = bool(spans) and self._cost(len(raw), len(spans)) > MAX_EVENT_BYTES
        self.passed += too_large
        self._passing = False
        self._start = end
        mend = self._eol * 2 if torn else b""
        if not spans or too_large:
            return Piece(raw=raw, mend=mend, torn=torn)
        data = b"\n".join(raw[begin:stop] for begin, stop in spans)
        joint = self._eol + b"data: "
        return Piece(raw=raw, name=name, data=data, spans=spans, joint=joint, mend=mend, torn=torn)

    def _bound(self, pieces: list[Piece]) -> None:
        """Give out what is held of an event that grew too large, and go on so until its end."""
        held = self._scan - self._start
        if not self._passing and self._cost(held, len(self._spans)) > MAX_EVENT_BYTES:
            self._passing = True
            self.passed += 1
            self._spans = []
        if self._passing and held:
            raw = bytes(self._buffer[self._start : self._scan])
            pieces.append(Piece(raw=raw, mend=self._eol * 2))
            self._begun = self._begun or self._scan > self._line
            self._start = self._line = self._scan

    def _trim(self) -> None:
        del self._buffer[: self._start]
        self._line -= self._start
        self._scan -= self._start
        self._start = 0

    def _cost(self, size: int, lines: int) -> int:
        return size + _LINE_COST * lines
