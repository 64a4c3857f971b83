"""One writer's folder as the reader sees it: what is there, how far it is read, how far acknowledged."""

import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

from .cursor import load_cursor, save_cursor
from .entries import Entry, Position
from .frames import SEGMENT_HEADER
from .layout import CURSOR, LOCK, RESERVE, segment_numbers, segment_path
from .locks import is_held
from .scanning import SegmentScan
from .stats import ReaderTally


class Source:
    """Hands out a writer's entries in order, each once; deletes what is acknowledged."""

    def __init__(self, folder: Path, tally: ReaderTally, kept: Position | None = None) -> None:
        """`kept` is acknowledged, also where the cursor does not say so yet."""
        self._folder = folder
        self._tally = tally
        self._acknowledged = load_cursor(folder)
        if kept is not None and kept > self._acknowledged:
            self._remember(kept)
        self._segment, self._offset = self._acknowledged.segment, self._acknowledged.offset
        self._scan: SegmentScan | None = None
        self._delivered: deque[Position] = deque()
        self._numbers: list[int] = []
        self.alive = True

    def has_acknowledged(self, position: Position) -> bool:
        """Whether all entries up to this position are."""
        return position <= self._acknowledged

    @property
    def unacknowledged(self) -> int:
        """Entries handed out and not acknowledged."""
        return len(self._delivered)

    @property
    def consumed(self) -> bool:
        """Whether nothing is left to do here: the writer is dead, all is read and acknowledged."""
        return not (self.alive or self._delivered or any(number >= self._segment for number in self._numbers))

    def refresh(self) -> None:
        """See which segments there are and whether the writer lives; in this order nothing is ever sealed too early."""
        self.alive = self.alive and is_held(self._folder / LOCK)
        self._numbers = segment_numbers(self._folder)
        if not self.alive:
            with suppress(OSError):
                (self._folder / RESERVE).unlink()
        self._delete_acknowledged()

    def take(self, max_frames: int, max_bytes: int, until: Position | None = None) -> list[Entry]:
        """The next entries; at least one where there is one, fewer than asked for only when no more are there.

        With `until` none that begins there or after.
        """
        entries: list[Entry] = []
        while max_frames > len(entries) and max_bytes > 0 and (scan := self._open_scan(until)) is not None:
            found = self._read(scan, max_frames - len(entries), max_bytes, until)
            entries += found
            max_bytes -= sum(len(entry.payload) for entry in found)
            if not scan.finished:
                break
            self._leave(scan)
        self._delivered.extend(entry.position for entry in entries)
        self._tally.entries += len(entries)
        return entries

    def acknowledge(self, position: Position) -> None:
        """All entries up to this position are safe elsewhere: remember it, delete segments read to the end."""
        while self._delivered and self._delivered[0] <= position:
            self._delivered.popleft()
        if position > self._acknowledged:
            if (position.segment, position.offset) > (self._segment, self._read_offset()):
                self._jump(position)
            self._remember(position)
        self._delete_acknowledged()

    def rewind(self) -> None:
        """Go back to the acknowledged position: what was handed out and not acknowledged comes again."""
        self._delivered.clear()
        self._jump(self._acknowledged)

    def waiting_bytes(self) -> int:
        """The size of what is not acknowledged."""
        total = 0
        for number in segment_numbers(self._folder):
            with suppress(OSError):
                size = segment_path(self._folder, number).stat().st_size
                if number < self._acknowledged.segment or size <= len(SEGMENT_HEADER):
                    continue
                total += size if number > self._acknowledged.segment else max(0, size - self._acknowledged.offset)
        return total

    def remove(self) -> bool:
        """Delete a consumed folder; False when a segment could not be deleted: then the cursor must stay too."""
        self.close()
        self._delete_acknowledged()
        if self._numbers:
            return False
        with suppress(OSError):  # what else someone put there stays, and its folder
            for name in (CURSOR, f"{CURSOR}.new", RESERVE, LOCK):
                (self._folder / name).unlink(missing_ok=True)
            self._folder.rmdir()
        return True

    def close(self) -> None:
        """Let the open segment go."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None

    def _open_scan(self, until: Position | None) -> SegmentScan | None:
        last = sys.maxsize if until is None else until.segment
        if self._scan is not None:
            return self._scan if self._segment <= last else None
        for number in self._numbers:
            if number < self._segment:
                continue
            if number > last:
                return None
            offset = self._offset if number == self._segment else 0
            try:
                self._scan = SegmentScan(segment_path(self._folder, number), offset, self._tally)
            except FileNotFoundError:
                continue  # someone deleted it: there is nothing to read
            except OSError:
                self._tally.read_errors += 1
                return None
            self._segment, self._offset = number, offset
            return self._scan
        return None

    def _read(self, scan: SegmentScan, max_frames: int, max_bytes: int, until: Position | None) -> list[Entry]:
        sealed = not self.alive or any(number > self._segment for number in self._numbers)
        end = until.offset if until is not None and until.segment == self._segment else sys.maxsize
        try:
            found = scan.take(max_frames, max_bytes, sealed=sealed, until=end)
        except OSError:
            # Tried again at the next poll; the other writers' entries go on meanwhile.
            self._tally.read_errors += 1
            return []
        name, segment = self._folder.name, self._segment
        return [
            Entry(payload=frame.payload, position=Position(writer=name, segment=segment, offset=end), slim=frame.slim)
            for frame, end in found
        ]

    def _remember(self, position: Position) -> None:
        self._acknowledged = position
        if not save_cursor(self._folder, position):
            self._tally.cursor_errors += 1

    def _leave(self, scan: SegmentScan) -> None:
        scan.close()
        self._scan = None
        self._segment, self._offset = self._segment + 1, 0

    def _read_offset(self) -> int:
        return self._offset if self._scan is None else self._scan.offset

    def _jump(self, position: Position) -> None:
        self.close()
        self._segment, self._offset = position.segment, position.offset

    def _delete_acknowledged(self) -> None:
        """Segments before the oldest entry not acknowledged, and before the reading place, hold nothing any more."""
        floor = min(self._segment, self._delivered[0].segment) if self._delivered else self._segment
        while self._numbers and self._numbers[0] < floor:
            try:
                segment_path(self._folder, self._numbers[0]).unlink(missing_ok=True)
            except OSError:
                self._tally.read_errors += 1
                return
            self._tally.segments_deleted += 1
            del self._numbers[0]
