"""Entries that failed for good, kept aside for a person: <root>/dead/, in the journal's own frames, bounded."""

import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .entries import Entry, Position
from .errors import JournalError
from .layout import DEAD, private_folder, segment_numbers, segment_path
from .scanning import SegmentScan
from .segment import Segment
from .stats import ReaderTally

DEAD_LETTER_BYTES = 64 * 1024 * 1024
_FILES = 8
_NOTE_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An entry that could not be stored, why, and when it was given up (seconds since 1970)."""

    entry: Entry
    reason: str
    at: float


class DeadLetterFile:
    """The writing end. One process at a time (the journal's reader); nothing here raises for what the disk does."""

    def __init__(self, root: Path, max_bytes: int = DEAD_LETTER_BYTES) -> None:
        self._root = root
        self._folder = root / DEAD
        self._max_bytes = max_bytes
        self._segment: Segment | None = None

    def add(self, letter: DeadLetter, tally: ReaderTally) -> bool:
        """Keep the letter, synced; False when the disk did not take it. Counts it, and what it pushed out."""
        payload = _pack(letter)
        kept = self._append(payload) or self._append(payload)  # the second time in a new file
        if kept:
            tally.dead_letters += 1
        else:
            tally.dead_letters_lost += 1
        return kept

    def trim(self, tally: ReaderTally) -> None:
        """Delete the oldest files while all together are over the bound; their letters are counted as lost."""
        sizes = {number: _size(segment_path(self._folder, number)) for number in segment_numbers(self._folder)}
        total = sum(sizes.values())
        for number in sorted(sizes)[:-1]:
            if total <= self._max_bytes:
                return
            path = segment_path(self._folder, number)
            with suppress(OSError):
                tally.dead_letters_lost += sum(1 for _ in _letters(path))
            with suppress(OSError):
                path.unlink()
            total -= sizes[number]

    def close(self) -> None:
        """Let the open file go."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _append(self, payload: bytes) -> bool:
        try:
            segment = self._room()
            done, error = segment.append([payload], 0)
        except (OSError, JournalError):
            return False
        with suppress(OSError):
            segment.sync()
        if error is not None:
            self.close()
        return done == 1

    def _room(self) -> Segment:
        """The file for the next letter: an eighth of the bound each, so that dropping the oldest loses little."""
        if self._segment is not None and self._segment.end >= self._max_bytes // _FILES:
            self.close()
        if self._segment is None:
            numbers = segment_numbers(private_folder(self._folder))
            self._segment = Segment(segment_path(self._folder, numbers[-1] + 1 if numbers else 1), 0.0)
        return self._segment


def read_dead_letters(root: Path) -> Iterator[DeadLetter]:
    """All dead letters of the journal at `root`, oldest first; needs no lock.

    Raises OSError when a file is unreadable.
    """
    for number in segment_numbers(root / DEAD):
        yield from _letters(segment_path(root / DEAD, number))


def _letters(path: Path) -> Iterator[DeadLetter]:
    try:
        scan = SegmentScan(path, 0, ReaderTally())
    except FileNotFoundError:
        return
    try:
        while found := scan.take(100, 1024 * 1024, sealed=True):
            for frame, _ in found:
                letter = _unpack(frame.payload)
                if letter is not None:
                    yield letter
    finally:
        scan.close()


def _pack(letter: DeadLetter) -> bytes:
    position = letter.entry.position
    note = {
        "reason": letter.reason,
        "at": letter.at,
        "writer": position.writer,
        "segment": position.segment,
        "offset": position.offset,
        "slim": letter.entry.slim,
    }
    text = json.dumps(note).encode()
    return _NOTE_LENGTH.pack(len(text)) + text + letter.entry.payload


def _unpack(data: bytes) -> DeadLetter | None:
    """The letter in a frame; None for a frame that holds none (its sums were right: someone else wrote it)."""
    try:
        begin = _NOTE_LENGTH.size + _NOTE_LENGTH.unpack_from(data)[0]
        note = json.loads(data[_NOTE_LENGTH.size : begin])
        position = Position(writer=str(note["writer"]), segment=int(note["segment"]), offset=int(note["offset"]))
        entry = Entry(payload=data[begin:], position=position, slim=bool(note["slim"]))
        return DeadLetter(entry=entry, reason=str(note["reason"]), at=float(note["at"]))
    except (struct.error, ValueError, KeyError, TypeError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
