"""Which frames were handed out together: noted before they go, so that a death in between changes no batch.

A store that counts a batch once, by what is in it, needs the same batch again. <root>/slices is a log of records: a
slice is noted before it is handed out, an acknowledgement before the first cursor moves, so that it holds for all
writers or for none. Nothing is synced: this is for the death of a process, and a lost note costs frames read twice
in other batches. When nothing is on its way the log begins anew at its start, under the next generation's number:
older records behind the end are known by theirs, and a full disk has their room to spare.
"""

import json
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from .entries import Position

# Where each run of entries of a slice ends, in the order they were handed out.
type Slice = tuple[Position, ...]

# Magic, generation, payload's length, crc32 of generation, length and payload.
_HEADER = struct.Struct("<4sQII")
_SUMMED = struct.Struct("<QI")
_MAGIC = b"MWSL"
_MOST_BYTES = 1024 * 1024
_SLICE = "slice"
_KEPT = "kept"


class SliceLog:
    """The log as the one reader of a journal keeps it. Nothing here raises for what the disk does.

    `slices` and `kept` are what an earlier reader's life left: slices in their order, and the last acknowledged
    position of each writer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._generation = self._end = 0
        self._whole = True  # no record of this generation is missing
        self.slices: list[Slice] = []
        self.kept: dict[str, Position] = {}
        self._open()
        with suppress(OSError):
            self._load(os.pread(self._fd, _MOST_BYTES, 0))

    def note(self, ends: Slice) -> bool:
        """A slice is about to be handed out; False where the disk did not take it."""
        return self._append(_SLICE, ends)

    def keep(self, positions: Iterable[Position]) -> bool:
        """These positions, and all before them of the same writers, are acknowledged; False as above."""
        return self._append(_KEPT, positions)

    def clear(self) -> None:
        """Nothing is on its way: begin anew."""
        if self._end:
            self._generation += 1
        self._end = 0
        self._whole = True
        if self._fd < 0:
            self._open()

    def close(self) -> None:
        """Let the file go; with nothing on its way it is deleted."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            if not self._end:
                with suppress(OSError):
                    self._path.unlink()

    def _open(self) -> None:
        with suppress(OSError):  # without it each note fails, and is counted by whoever asked for it
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _append(self, kind: str, positions: Iterable[Position]) -> bool:
        """Behind a record that is missing none may follow: the slices would not be those that were handed out."""
        payload = json.dumps([kind, [(item.writer, item.segment, item.offset) for item in positions]]).encode()
        record = _record(self._generation, payload)
        self._whole = self._whole and self._end + len(record) <= _MOST_BYTES
        if not self._whole:
            return False
        try:
            self._whole = os.pwrite(self._fd, record, self._end) == len(record)
        except OSError:
            self._whole = False
        self._end += len(record) if self._whole else 0
        return self._whole

    def _load(self, data: bytes) -> None:
        for generation, end, payload in _records(data):
            self._generation, self._end = generation, end
            kind, positions = json.loads(payload)
            ends = tuple(Position(writer=writer, segment=number, offset=offset) for writer, number, offset in positions)
            if kind == _SLICE:
                self.slices.append(ends)
            else:
                self.kept.update({position.writer: position for position in ends})


def _record(generation: int, payload: bytes) -> bytes:
    total = crc32(payload, crc32(_SUMMED.pack(generation, len(payload))))
    return _HEADER.pack(_MAGIC, generation, len(payload), total) + payload


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The first generation's records: generation, where each ends, payload. What is not whole ends them."""
    at, first = 0, None
    while at + _HEADER.size <= len(data):
        _, generation, length, _ = _HEADER.unpack_from(data, at)
        end = at + _HEADER.size + length
        payload = data[at + _HEADER.size : end]
        first = generation if first is None else first
        if generation != first or data[at:end] != _record(generation, payload):
            return
        yield generation, end, payload
        at = end
