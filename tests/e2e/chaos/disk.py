"""A small disk of the home's own, that can be filled and emptied again."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BLOCK = bytes(65536)


class Disk:
    """A folder on a disk of `megabytes`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        self._enough = threading.Event()
        self._thread: threading.Thread | None = None

    def fill(self) -> None:
        """Leave no room."""
        with self._filler.open("ab", buffering=0) as file:
            _pour(file.fileno())

    def keep_full(self) -> None:
        """Leave no room, and take all that others give back, until `empty`."""
        self._enough.clear()
        self._thread = threading.Thread(target=self._keep_pouring, daemon=True)
        self._thread.start()

    def empty(self) -> None:
        """Give the room back."""
        self._enough.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._filler.unlink(missing_ok=True)

    def _keep_pouring(self) -> None:
        with self._filler.open("ab", buffering=0) as file:
            while not self._enough.wait(0.01):
                _pour(file.fileno())


def _pour(file: int) -> None:
    """Write until there is no room for another byte."""
    for block in (_BLOCK, _BLOCK[:4096], _BLOCK[:1]):
        try:
            while os.write(file, block):
                pass
        except OSError:
            continue


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk | None]:
    """A disk mounted at `folder`; None where this user may mount none: then the folder is on everybody's disk."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode != 0:
        yield None
        return
    disk = Disk(folder)
    try:
        yield disk
    finally:
        disk.empty()
        subprocess.run(["umount", "-l", str(folder)], check=True)
