"""Batches of frames into the journal, as a worker of its own: all of a batch, or none of it."""

import time
from collections.abc import Sequence
from pathlib import Path

from midwatch_core.intake import IntakeError, IntakeFullError
from midwatch_journal import JournalLimits, JournalState, JournalWriter, Outcome, Ticket, new_writer_id

# A frame waits so long for the disk. One that found no room is tried again, for there was room when we looked.
_DISK_S = 30.0
_PAUSE_S = 0.25
_TRIES = 20
# What the journal puts around a frame.
_AROUND_BYTES = 64


class Batches:
    """Appends batches, one after the other, for one thread. Its writer begins with the first."""

    def __init__(self, root: Path, limits: JournalLimits) -> None:
        self._root = root
        self._limits = limits
        self._text_bytes = limits.max_bytes - limits.reserve_bytes
        self._writer: JournalWriter | None = None

    def append(self, frames: Sequence[bytes]) -> None:
        """Journal a batch; it is out of this process when this returns.

        Raises IntakeError for what no empty journal would take, IntakeFullError where there is no room now. Room is
        looked for before anything is written. A disk that fills up right then may keep some of a batch all the same:
        whoever sends it again with keys of idempotency has every call once.
        """
        size = sum(len(frame) + _AROUND_BYTES for frame in frames)
        if size > min(self._limits.queue_bytes, self._text_bytes):
            raise IntakeError(f"the batch has {size:,} bytes, which is more than the journal takes in one go")
        writer = self._writer = self._writer or JournalWriter(self._root, new_writer_id("intake"), limits=self._limits)
        self._find_room(writer, size)
        # Without `slim` nothing is kept without its texts: its sender has them still.
        self._settle(writer, [(frame, writer.append(frame)) for frame in frames])

    def close(self) -> None:
        """Let the writer go."""
        if self._writer is not None:
            self._writer.close()

    def _find_room(self, writer: JournalWriter, size: int) -> None:
        stats = writer.stats()
        fits = stats.queued_bytes + size <= self._limits.queue_bytes and stats.used_bytes + size <= self._text_bytes
        if stats.state is not JournalState.OK or not fits:
            raise IntakeFullError("the journal has no room: is the disk full, or the store away?")

    def _settle(self, writer: JournalWriter, sent: list[tuple[bytes, Ticket]]) -> None:
        for _ in range(_TRIES):
            lost = [frame for frame, ticket in sent if not _written(ticket)]
            if not lost:
                return
            time.sleep(_PAUSE_S)
            sent = [(frame, writer.append(frame)) for frame in lost]
        raise IntakeFullError("the journal has no room any more: the disk is full")


def _written(ticket: Ticket) -> bool:
    """Wait for a frame. Raises IntakeFullError where the disk hangs; the frame is queued then, and may yet be kept."""
    if ticket.wait(_DISK_S):
        return True
    if ticket.outcome is Outcome.PENDING:
        raise IntakeFullError("the disk does not answer")
    return False
