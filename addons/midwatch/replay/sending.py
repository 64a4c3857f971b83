"""Into the journal, as a worker of its own: no faster than control takes frames out of it where there is no room."""

import time

from midwatch_core.errors import MidwatchError
from midwatch_journal import JournalLimits, JournalWriter, Outcome

# A frame waits for the disk, then for room; where there is none for so long, nobody takes any out.
_DISK_S = 30.0
_PAUSE_S = 0.25
_TRIES = 240


class JournalFullError(MidwatchError):
    """There is no room in the journal, and none is made."""


class StoppedError(MidwatchError):
    """The replay was told to stop."""


class Sender:
    """Appends frames and waits until each is out of this process. Unlike a worker's, a replay's frame may wait."""

    def __init__(self, writer: JournalWriter, limits: JournalLimits) -> None:
        """`writer` has no `slim`: a frame without its texts is worth nothing where its file is at hand."""
        self._writer = writer
        self._largest = min(limits.queue_bytes, limits.max_bytes - limits.reserve_bytes)
        self._stopped = False

    def stop(self) -> None:
        """Send nothing more; from any thread."""
        self._stopped = True

    def send(self, frame: bytes) -> None:
        """Journal a frame. Raises JournalFullError and StoppedError; what was sent before is kept."""
        if len(frame) > self._largest:
            raise JournalFullError(f"a call of {len(frame):,} bytes is larger than the journal takes")
        for _ in range(_TRIES):
            if self._stopped:
                raise StoppedError("stopped: what was sent is kept, and replaying the file again sends the rest")
            ticket = self._writer.append(frame)
            if ticket.wait(_DISK_S):
                return
            if ticket.outcome is Outcome.PENDING:
                break  # it is queued: once more would be twice
            time.sleep(_PAUSE_S)
        raise JournalFullError("the journal has no room: is the disk full, or the store away? `status` and doctor say")
