"""The worker's side of the journal: append from anywhere, one thread writes, another syncs. Counterpart: reader.py."""

import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from .errors import JournalError
from .layout import LOCK, checked_writer_id, private_folder
from .limits import JournalLimits
from .locks import HeldLock
from .scribe import Scribe, Slim
from .segment import MAX_BATCH_FRAMES
from .space import Space
from .stats import JournalState, JournalStats
from .syncer import Syncer
from .ticket import Outcome, Patience, Ticket

_MAX_BATCH_BYTES = 4 * 1024 * 1024
_TICK_S = 0.25


class JournalWriter:
    """Writes one worker's frames into `<root>/<writer_id>/`, and holds that folder's lock until close() or death.

    `writer_id` must be new for every start of a process (new_writer_id()). `slim` makes a payload without texts from a
    whole one: used, in the writer thread, when the disk or the bound has no room; without it such frames are lost.
    Raises JournalError when the folder cannot be made or the id was used before. Later nothing raises: see `state`.
    """

    def __init__(
        self,
        root: Path,
        writer_id: str,
        *,
        slim: Slim | None = None,
        limits: JournalLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = limits or JournalLimits()
        self.writer_id = checked_writer_id(writer_id)
        self._queue_bytes = limits.queue_bytes
        folder = private_folder(root) / writer_id
        self._lock = _claim(root, folder)
        self._space = Space(
            root,
            folder,
            max_bytes=limits.max_bytes,
            reserve_bytes=limits.reserve_bytes,
            refresh_s=limits.refresh_s,
            clock=clock,
        )
        self._syncer = Syncer(folder, limits.fsync_interval_s)
        self._scribe = Scribe(folder, limits, slim, self._space, self._syncer, clock)
        self._inbox: SimpleQueue[Ticket | None] = SimpleQueue()
        self._gate = Lock()
        self._closed = False
        self._queued_frames = self._queued_bytes = self._refused = 0
        self._patience = Patience()
        self._thread = Thread(target=self._run, name="midwatch-journal-write", daemon=True)
        self._thread.start()

    def append(self, payload: bytes) -> Ticket:
        """Queue a frame; never blocks, never raises. Frames of one thread keep their order.

        The ticket is at once DROPPED when the writer is closed or `queue_bytes` wait already.
        """
        ticket = Ticket(payload, self._patience)
        with self._gate:
            if self._closed or self._queued_bytes + len(payload) > self._queue_bytes:
                self._refused += 1
                ticket.settle(Outcome.DROPPED)
                return ticket
            self._queued_frames += 1
            self._queued_bytes += len(payload)
            # Inside the gate: nothing may follow close()'s last item.
            self._inbox.put(ticket)
        return ticket

    @property
    def state(self) -> JournalState:
        """OK, SLIM (texts are left out) or FULL (frames are lost); it recovers by itself within about a second."""
        return self._scribe.state

    def stats(self) -> JournalStats:
        """The counters now."""
        tally = self._scribe.tally
        return JournalStats(
            state=self._scribe.state,
            frames=tally.frames,
            bytes=tally.bytes,
            slim=tally.slim,
            dropped=tally.dropped + self._refused,
            late_waits=self._patience.late_waits,
            write_errors=tally.write_errors,
            slim_errors=tally.slim_errors,
            fsyncs=self._syncer.fsyncs,
            fsync_errors=self._syncer.errors,
            segments=tally.segments,
            queued_frames=self._queued_frames,
            queued_bytes=self._queued_bytes,
            used_bytes=self._space.used,
        )

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what is queued, sync, seal, let the lock go. False when the disk did not answer in time.

        Then the lock stays with this process until it ends, so that the reader does not take a living writer for dead.
        """
        deadline = time.monotonic() + timeout_s
        with self._gate:
            if not self._closed:
                self._closed = True
                self._inbox.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive() or not self._syncer.stop(max(0.0, deadline - time.monotonic())):
            return False
        self._space.close()
        self._lock.release()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        going_on = True
        while going_on:
            try:
                first = self._inbox.get(timeout=_TICK_S)
            except Empty:
                self._scribe.tick()
                continue
            batch, going_on = self._gather(first)
            if batch:
                size = sum(len(ticket.payload) for ticket in batch)
                self._scribe.write(batch)
                with self._gate:
                    self._queued_frames -= len(batch)
                    self._queued_bytes -= size
        self._scribe.close()

    def _gather(self, item: Ticket | None) -> tuple[list[Ticket], bool]:
        """What is queued now, from `item` on, up to one batch; and whether more may come."""
        batch: list[Ticket] = []
        size = 0
        while item is not None:
            batch.append(item)
            size += len(item.payload)
            if len(batch) >= MAX_BATCH_FRAMES or size >= _MAX_BATCH_BYTES:
                return batch, True
            try:
                item = self._inbox.get_nowait()
            except Empty:
                return batch, True
        return batch, False


def _claim(root: Path, folder: Path) -> HeldLock:
    """Make the writer's folder with its lock held from the first moment a reader can see it.

    A folder without a held lock is a dead writer's, and an empty one of those the reader removes: hence the folder is
    made under a name that readers pass over.
    """
    hidden = root / f".{folder.name}.new"
    if folder.exists():
        raise JournalError(f"journal folder {folder} exists: a writer id is for one start of one process")
    private_folder(hidden)
    lock = HeldLock(hidden / LOCK)
    try:
        hidden.rename(folder)
    except OSError as error:
        lock.release()
        raise JournalError(f"journal folder {folder}: {error.strerror}") from error
    return lock
