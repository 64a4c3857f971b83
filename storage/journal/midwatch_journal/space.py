"""How much the journal may take: a bound on its whole root, and blocks kept aside for the day the disk is full."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .layout import RESERVE, used_bytes

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# Free bytes under which not even a frame without texts is worth a try.
SLIM_ROOM_BYTES = 256 * 1024


class Reserve:
    """A preallocated file: deleting it makes room on a full disk, whoever filled it."""

    def __init__(self, folder: Path, size: int) -> None:
        self._path = folder / RESERVE
        self._folder = folder
        self._size = size
        self.held = False

    def make(self) -> bool:
        """Set the blocks aside if the disk has twice as much to spare (else it is not worth coming back for)."""
        if self.free_bytes() < 2 * self._size:
            return False
        try:
            self._allocate()
            self.held = True
        except OSError as error:
            with suppress(OSError):
                self._path.unlink()
            # Where it is not room that is missing (a limit on file sizes, say), go without: texts must not wait for it.
            self.held = error.errno not in NO_ROOM
        return self.held

    def _allocate(self) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if self._size and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, self._size)
            else:
                self._fill(fd)
        finally:
            os.close(fd)

    def _fill(self, fd: int) -> None:
        block = bytes(min(self._size, 65536))
        for start in range(0, self._size, 65536):
            os.write(fd, block[: self._size - start])

    def release(self) -> bool:
        """Give the blocks back to the disk; True when there were any to give."""
        was_held, self.held = self.held, False
        with suppress(OSError):
            self._path.unlink()
        return was_held

    def free_bytes(self) -> int:
        """What the disk says is free for us."""
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize


class Space:
    """Says what may be written. Texts stop when the bound less the slim share is reached, or the reserve is gone.

    The root's size is counted anew at most every `refresh_s` (other writers' files count too) and kept up in between by
    what this writer adds. `clock` gives seconds, monotonic.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        *,
        max_bytes: int,
        reserve_bytes: int,
        refresh_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._text_bytes = max_bytes - reserve_bytes
        self._refresh_s = refresh_s
        self._clock = clock
        self._reserve = Reserve(folder, reserve_bytes)
        self._counted_at = self._tried_at = clock()
        self.used = used_bytes(root)
        self._reserve.make()

    def look(self) -> None:
        """Count the root anew and win the reserve back, when it is time for that."""
        now = self._clock()
        if now - self._counted_at >= self._refresh_s:
            self._counted_at = now
            self.used = used_bytes(self._root)
        if not self._reserve.held and now - self._tried_at >= self._refresh_s:
            self._tried_at = now
            self._reserve.make()

    def allows_text(self, size: int) -> bool:
        """Whether so many bytes of whole frames may be written."""
        return self._reserve.held and self.used + size <= self._text_bytes

    def allows_slim(self, size: int) -> bool:
        """Whether so many bytes of frames without texts may be written."""
        return self.used + size <= self._max_bytes

    def has_room(self) -> bool:
        """Whether a frame without texts has a chance on this disk now."""
        return self._reserve.held or self._reserve.free_bytes() >= SLIM_ROOM_BYTES

    def wrote(self, size: int) -> None:
        """So many bytes were added by this writer."""
        self.used += size

    def pinch(self) -> bool:
        """The disk said it is full: give the reserve up. True when that made room."""
        self._tried_at = self._clock()
        return self._reserve.release()

    def close(self) -> None:
        """The writer ends: the reserve is nobody's."""
        self._reserve.release()
