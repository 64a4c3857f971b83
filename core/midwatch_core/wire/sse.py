"""Server-sent events, cut incrementally from bytes (WHATWG HTML, section 9.2)."""

# One event above this is dropped and noted: real ones stay under a few hundred KB (images in base64).
MAX_EVENT_BYTES = 16 * 1024 * 1024


class SseFramer:
    """Bytes in, (event name, data) out. LF, CRLF and CR end lines; comments and `id`, `retry` are passed over.

    The hot path is one event that lies whole in one read, with `data:` as its only or last field.
    """

    __slots__ = ("_data", "_data_bytes", "_held", "_held_bytes", "_name", "_start", "overflowed")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._name = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._start = True
        self.overflowed = False

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The events that `data` completes."""
        if b"\n" not in data and b"\r" not in data and not self._start:
            return self._hold(data)
        buffer = b"".join((*self._held, data)) if self._held else data
        self._held.clear()
        if self._start:
            buffer = self._strip_bom(buffer)
        if b"\r" in buffer:
            buffer = self._unify(buffer)
        lines = buffer.split(b"\n")
        self._keep(lines.pop())
        return self._events(lines)

    def close(self) -> list[tuple[str, bytes]]:
        """The event whose blank line never came: the standard drops it, a record of the call wants it."""
        tail = b"".join((*self._held, b"\n"))
        self._held.clear()
        return self._events([*self._unify(self._strip_bom(tail) if self._start else tail).split(b"\n"), b""])

    def _events(self, lines: list[bytes]) -> list[tuple[str, bytes]]:
        events: list[tuple[str, bytes]] = []
        data = self._data
        counted = len(data)
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if data:
                    events.append((self._name, data[0] if len(data) == 1 else b"\n".join(data)))
                    data.clear()
                    counted = 0
                self._name = ""
            elif line.startswith(b"event:"):
                self._name = line[6:].strip().decode("utf-8", "replace")
            elif line == b"data":
                data.append(b"")
        if data:
            self._count(data, counted)
        return events

    def _count(self, data: list[bytes], counted: int) -> None:
        """Bound the event under way, whose first `counted` lines were counted before: each is counted once."""
        new = sum(map(len, data[counted:] if counted else data))
        self._data_bytes = self._data_bytes + new if counted else new
        if self._data_bytes + 64 * len(data) > MAX_EVENT_BYTES:
            self._overflow()

    def _hold(self, data: bytes) -> list[tuple[str, bytes]]:
        """Set aside a piece of a line: joined once, when its end comes, so that tiny pieces cost no square."""
        if data:
            self._keep(data)
        return []

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._held.append(piece)
            self._held_bytes = len(piece) if len(self._held) == 1 else self._held_bytes + len(piece)
            if self._held_bytes + 64 * len(self._held) > MAX_EVENT_BYTES:
                self._overflow()

    def _overflow(self) -> None:
        self.overflowed = True
        self._held.clear()
        self._data.clear()

    def _strip_bom(self, buffer: bytes) -> bytes:
        if len(buffer) < 3 and b"\xef\xbb\xbf".startswith(buffer):
            return buffer
        self._start = False
        return buffer.removeprefix(b"\xef\xbb\xbf")

    def _unify(self, buffer: bytes) -> bytes:
        """CRLF and CR as LF. A CR at the very end may be half a CRLF, so it waits for the next byte."""
        held = b""
        if buffer.endswith(b"\r"):
            buffer, held = buffer[:-1], b"\r"
        return buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
