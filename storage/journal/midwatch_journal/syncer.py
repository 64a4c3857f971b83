"""The fsync thread: brings written frames from the kernel to the disk, batched, while write(2) goes on elsewhere."""

import os
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread

from .segment import Segment


class Syncer:
    """Syncs every marked segment within `interval_s` (plus the time the disk takes), and closes the retired ones."""

    def __init__(self, folder: Path, interval_s: float) -> None:
        self._folder = folder
        self._interval_s = interval_s
        self._lock = Lock()
        self._marked: dict[Segment, bool] = {}
        self._new_names = True  # the writer's own folder, at first
        self._dirty = Event()
        self._stopping = Event()
        self.fsyncs = 0
        self.errors = 0
        self._thread = Thread(target=self._run, name="midwatch-journal-fsync", daemon=True)
        self._thread.start()

    def mark(self, segment: Segment, *, retired: bool = False, new: bool = False) -> None:
        """The segment has news: frames, being new in the folder, or that nothing will follow (it is closed then)."""
        with self._lock:
            self._marked[segment] = retired or self._marked.get(segment, False)
            self._new_names = self._new_names or new
        if not self._dirty.is_set():
            self._dirty.set()

    def stop(self, timeout_s: float) -> bool:
        """One last round now; True when it was done in time."""
        self._stopping.set()
        self._dirty.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._dirty.wait()
            self._stopping.wait(self._interval_s)
            self._dirty.clear()
            self._round()
        self._round()

    def _round(self) -> None:
        with self._lock:
            marked, self._marked = self._marked, {}
            new_names, self._new_names = self._new_names, False
        for segment, retired in marked.items():
            self._sync(segment)
            if retired:
                with suppress(OSError):
                    segment.close()
        if new_names:
            self._sync_names()

    def _sync(self, segment: Segment) -> None:
        try:
            segment.sync()
            self.fsyncs += 1
        except OSError:
            self.errors += 1

    def _sync_names(self) -> None:
        """A new file survives power loss only once its folder is synced too."""
        for folder in (self._folder, self._folder.parent):
            try:
                fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self.errors += 1
                continue
            try:
                os.fsync(fd)
            except OSError:
                self.errors += 1
            finally:
                os.close(fd)
