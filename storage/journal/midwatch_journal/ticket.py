"""The receipt of an appended frame: lets its owner wait, shortly, for write(2)."""

from enum import StrEnum
from threading import TIMEOUT_MAX, Lock


class Outcome(StrEnum):
    """What became of a frame: still queued, written, written without its texts, or lost."""

    PENDING = "pending"
    WRITTEN = "written"
    SLIM = "slim"
    DROPPED = "dropped"


class Patience:
    """What all tickets of a writer share: once one has waited in vain, no other waits before that one is settled.

    Owners wait on an event loop; a disk that hangs for ten seconds must cost it one wait, not one for each exchange.
    """

    __slots__ = ("_gate", "_stalled", "late_waits")

    def __init__(self) -> None:
        self.late_waits = 0
        self._stalled: Ticket | None = None
        self._gate = Lock()

    def allowed_s(self, ticket: "Ticket", timeout_s: float) -> float:
        """How long this ticket may wait now."""
        stalled = self._stalled
        hangs = stalled is not None and stalled is not ticket and stalled.outcome is Outcome.PENDING
        return 0.0 if hangs else min(max(timeout_s, 0.0), TIMEOUT_MAX)

    def ran_out(self, ticket: "Ticket") -> None:
        """This ticket has waited in vain."""
        with self._gate:
            self.late_waits += 1
            if self._stalled is None or self._stalled.outcome is not Outcome.PENDING:
                self._stalled = ticket


class Ticket:
    """One appended frame on its way to the disk. `outcome` may be looked at any time, from any thread."""

    __slots__ = ("_patience", "_settled", "outcome", "payload")

    def __init__(self, payload: bytes, patience: Patience) -> None:
        self.payload = payload
        self.outcome = Outcome.PENDING
        self._patience = patience
        # A bare lock, taken until settled: cheaper to make and to wake than an Event.
        self._settled = Lock()
        self._settled.acquire()

    def wait(self, timeout_s: float) -> bool:
        """Block until the frame is written or lost, at most so long; True when it is written (slim included).

        A wait that runs out is counted by the writer and returns False; the frame stays queued and is written later.
        While another ticket's wait has run out and its frame still hangs, this returns at once.
        """
        if self.outcome is Outcome.PENDING:
            if self._settled.acquire(timeout=self._patience.allowed_s(self, timeout_s)):
                self._settled.release()
            else:
                self._patience.ran_out(self)
        return self.outcome in (Outcome.WRITTEN, Outcome.SLIM)

    def settle(self, outcome: Outcome) -> None:
        """The writer thread's word, said once."""
        self.payload = b""
        self.outcome = outcome
        self._settled.release()
