"""The receipt of an appended frame: lets its owner wait, shortly, for write(2)."""

from collections.abc import Callable
from enum import StrEnum
from threading import TIMEOUT_MAX, Lock


class Outcome(StrEnum):
    """What became of a frame: still queued, written, written without its texts, or lost."""

    PENDING = "pending"
    WRITTEN = "written"
    SLIM = "slim"
    DROPPED = "dropped"


class Ticket:
    """One appended frame on its way to the disk. `outcome` may be looked at any time, from any thread."""

    __slots__ = ("_late", "_settled", "outcome", "payload")

    def __init__(self, payload: bytes, late: Callable[[], None]) -> None:
        self.payload = payload
        self.outcome = Outcome.PENDING
        self._late = late
        # A bare lock, taken until settled, wakes a waiter in a third of an Event's time.
        self._settled = Lock()
        self._settled.acquire()

    def wait(self, timeout_s: float) -> bool:
        """Block until the frame is written or lost, at most so long; True when it is written (slim included).

        A wait that runs out is counted by the writer and returns False; the frame stays queued and is written later.
        """
        if self.outcome is Outcome.PENDING:
            if self._settled.acquire(timeout=min(max(timeout_s, 0.0), TIMEOUT_MAX)):
                self._settled.release()
            else:
                self._late()
        return self.outcome in (Outcome.WRITTEN, Outcome.SLIM)

    def settle(self, outcome: Outcome) -> None:
        """The writer thread's word, said once."""
        self.payload = b""
        self.outcome = outcome
        self._settled.release()
