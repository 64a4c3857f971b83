"""Locks by flock: the kernel drops one when its holder dies, however it dies, so a free lock means a dead holder."""

import fcntl
import os
from pathlib import Path

from .errors import JournalError, JournalLockedError


class HeldLock:
    """An exclusive lock on a file, held from construction to release().

    Raises JournalLockedError when someone else holds it (naming the process that wrote itself in), JournalError when
    the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise JournalError(f"journal lock {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise JournalLockedError(f"journal lock {path} is held by process {holder or 'unknown'}") from error
        self._sign()

    def _sign(self) -> None:
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return  # a full disk takes the name from the message, not the lock

    def release(self) -> None:
        """Let go; harmless when done twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock of this file; False also when there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # not known to be dead: the careful answer is to wait
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
