"""Reads frames from a segment file, from an offset on, past torn and damaged bytes."""

import os
import sys
from pathlib import Path

from .frames import MAGIC, Damage, Frame, Need, next_magic, read_frame, read_segment_header
from .stats import ReaderTally

_CHUNK_BYTES = 1024 * 1024
_LEAST_CHUNK_BYTES = 64 * 1024


class SegmentScan:
    """An open segment and how far it has been read. `offset` only grows; nothing before it is read again.

    Raises OSError when the file cannot be opened or read. Losses are counted in the tally it is given.
    """

    def __init__(self, path: Path, offset: int, tally: ReaderTally) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.offset = offset
        self.finished = False
        self._begun = offset > 0
        self._tally = tally
        self._in_damage = False
        self._window, self._base, self._size = b"", offset, 0

    def take(
        self, max_frames: int, max_bytes: int, *, sealed: bool, until: int = sys.maxsize
    ) -> list[tuple[Frame, int]]:
        """The next frames, each with the file's offset after it; at least one where there is one.

        With `sealed` an incomplete frame at the end is torn and skipped, and `finished` says that all is read; without,
        it is not there yet. `max_bytes` may be passed by the last frame. Frames from the offset `until` on stay unread.
        """
        self._size = os.fstat(self._fd).st_size
        chunk = min(_CHUNK_BYTES, max(max_bytes, _LEAST_CHUNK_BYTES))
        found: list[tuple[Frame, int]] = []
        while len(found) < max_frames and max_bytes > 0 and self.offset < until:
            step = self._step()
            if isinstance(step, Frame):
                self.offset = self._base + step.end
                self._in_damage = False
                found.append((step, self.offset))
                max_bytes -= len(step.payload)
            elif self._window_ends_early() and isinstance(step, Need):
                self._read(max(chunk, step.size))
            elif not sealed and (isinstance(step, Need) or (step.at_tail and not self._window_ends_early())):
                break
            else:
                self._pass_over(step)
            if self.finished:
                break
        self._window, self._base = b"", self.offset
        return found

    def close(self) -> None:
        """Let the file go."""
        os.close(self._fd)

    def _step(self) -> Frame | Need | Damage:
        at = self.offset - self._base
        if self._begun:
            return read_frame(self._window, at)
        begin = read_segment_header(self._window)
        self._begun = not isinstance(begin, Need)
        if isinstance(begin, int):
            self.offset = begin
            return read_frame(self._window, begin)
        return begin

    def _window_ends_early(self) -> bool:
        return self._base + len(self._window) < self._size

    def _read(self, size: int) -> None:
        self._base = self.offset
        self._window = os.pread(self._fd, size, self._base)
        if len(self._window) < min(size, self._size - self._base):
            # The writer gave a torn frame's room back after we asked for the size (or a read came short at the end).
            self._size = self._base + len(self._window)

    def _pass_over(self, step: Need | Damage) -> None:
        """Leave bytes behind that will never be a frame: a damaged stretch, or what a death cut off at the end."""
        at = self.offset - self._base
        if isinstance(step, Damage):
            self._count_damage()
            self.offset = self._base + step.resume
            return
        rest = self._window[at:]
        resume = next_magic(self._window, at + 1) if rest else at
        if self._window.startswith(MAGIC, resume):
            self._count_damage()
            self.offset = self._base + resume
            return
        if rest and not self._in_damage:
            self._tally.torn += 1
        self.offset = max(self.offset, self._size)
        self.finished = True

    def _count_damage(self) -> None:
        if not self._in_damage:
            self._tally.corrupt += 1
            self._in_damage = True
