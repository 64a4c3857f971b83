"""The spool: events wait here, in files that are only ever added to, until every sink has them or there is no room.

A line is in the kernel's hands when `append` returns, so it outlives the process; `sync` sees it to the disk. Readers
keep a `Position` each and read from there; what is torn by a death is passed over.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_NAME = "events-{:012d}.jsonl"
_PATTERN = "events-*.jsonl"
# What is read in one go; a line is far shorter.
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two lines: bytes into a segment."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, and the place after it."""

    data: bytes
    after: Position


class Spool:
    """Segments in a folder, at most `max_bytes` together (and one append more). For one process."""

    def __init__(self, folder: Path, *, max_bytes: int, segment_bytes: int = 1024 * 1024) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(1, max_bytes // 4))
        self._sizes: dict[int, int] = {}
        self._file: int | None = None
        self._current = 0
        self._unsynced = False
        self._full: list[int] = []  # files of full segments, until `sync` has seen them to the disk

    def open(self) -> None:
        """Find what is there, and begin a new segment: the last one may end in half a line. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self._folder.glob(_PATTERN):
            number = file.stem.rpartition("-")[2]
            if number.isdigit():
                self._sizes[int(number)] = file.stat().st_size
        self._begin(max(self._sizes, default=0) + 1)

    def close(self) -> None:
        """See all to the disk and let go. Raises OSError."""
        if self._file is not None:
            self.sync()
            os.close(self._file)
            self._file = None

    @property
    def size_bytes(self) -> int:
        """What all segments take."""
        return sum(self._sizes.values())

    @property
    def end(self) -> Position:
        """The place behind everything."""
        return Position(self._current, self._sizes[self._current])

    def waiting(self, position: Position) -> int:
        """How many bytes are behind a place."""
        ahead = sum(size for number, size in self._sizes.items() if number > position.segment)
        return ahead + max(0, self._sizes.get(position.segment, 0) - position.offset)

    def append(self, lines: Sequence[bytes]) -> None:
        """Add lines (none may have a line end in it). Raises OSError, and then none of them is there."""
        assert self._file is not None
        data, size = b"".join(line + b"\n" for line in lines), self._sizes[self._current]
        try:
            _write_all(self._file, data)
        except OSError:
            os.ftruncate(self._file, size)  # half of them must not run into the next
            raise
        self._sizes[self._current] = size + len(data)
        self._unsynced = True
        if self._sizes[self._current] >= self._segment_bytes:
            self._begin(self._current + 1)

    def sync(self) -> None:
        """See what was added to the disk. Raises OSError. May run in a thread, one at a time: only it closes files."""
        while self._full:
            file = self._full.pop()
            try:
                os.fsync(file)
            finally:
                os.close(file)
        if self._unsynced and self._file is not None:
            self._unsynced = False
            os.fsync(self._file)

    def read(self, position: Position, *, limit: int) -> list[Line]:
        """At most `limit` lines from a place on. Raises OSError."""
        for number in sorted(self._sizes):
            if number >= position.segment:
                offset = position.offset if number == position.segment else 0
                if lines := list(self._lines(number, offset, limit)):
                    return lines
        return []

    def make_room(self) -> list[int]:
        """The segments that must go so that the bound is kept, oldest first; `drop` is then the caller's to call."""
        excess, numbers = self.size_bytes - self._max_bytes, []
        for number in sorted(self._sizes):
            if excess <= 0 or number == self._current:
                break
            numbers.append(number)
            excess -= self._sizes[number]
        return numbers

    def lines_after(self, number: int, position: Position) -> int:
        """How many lines of a segment are behind a place. Raises OSError."""
        if position.segment > number:
            return 0
        data = self._path(number).read_bytes()
        return data[position.offset if position.segment == number else 0 :].count(b"\n")

    def drop(self, number: int) -> None:
        """Forget a segment that is not being written. Raises OSError."""
        self._path(number).unlink(missing_ok=True)
        self._sizes.pop(number, None)

    def drop_before(self, position: Position) -> None:
        """Forget segments that are wholly before a place. Raises OSError."""
        for number in sorted(self._sizes):
            if number < min(position.segment, self._current):
                self.drop(number)

    def _lines(self, number: int, offset: int, limit: int) -> Iterator[Line]:
        with self._path(number).open("rb") as file:
            file.seek(offset)
            data = file.read(_READ_BYTES)
        start = 0
        while limit > 0 and (end := data.find(b"\n", start)) >= 0:
            yield Line(data[start:end], Position(number, offset + end + 1))
            start, limit = end + 1, limit - 1

    def _begin(self, number: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        fresh = os.open(self._path(number), flags, 0o600)
        if self._file is not None:
            self._full.append(self._file)
        self._file = fresh
        self._current = number
        self._sizes[number] = 0

    def _path(self, number: int) -> Path:
        return self._folder / _NAME.format(number)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
