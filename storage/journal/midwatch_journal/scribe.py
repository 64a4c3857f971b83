"""Puts frames on the disk, whole or without their texts: what the writer thread, and no one else, works with."""

from collections.abc import Callable, Sequence
from pathlib import Path

from .frames import FLAG_SLIM, HEADER_BYTES, MAX_PAYLOAD_BYTES
from .layout import segment_path
from .limits import JournalLimits
from .segment import Segment
from .space import NO_ROOM, Space
from .stats import JournalState, WriterTally
from .syncer import Syncer
from .ticket import Outcome, Ticket

type Slim = Callable[[bytes], bytes]

# What a function over foreign JSON can raise; it must cost its frame only, never the writer thread.
_SLIM_ERRORS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Scribe:
    """One writer's hand: the active segment, rotation, and what to do when the disk refuses."""

    def __init__(
        self,
        folder: Path,
        limits: JournalLimits,
        slim: Slim | None,
        space: Space,
        syncer: Syncer,
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._slim = slim
        self._space = space
        self._syncer = syncer
        self._clock = clock
        self._segment: Segment | None = None
        self._number = 0
        self._blocked_until = 0.0
        self.state = JournalState.OK
        self.tally = WriterTally()
        self._open()
        self._settle_state()

    def write(self, batch: Sequence[Ticket]) -> None:
        """Settle every ticket of the batch, in order; never raises for what the disk does."""
        self._space.look()
        done = self._write_together(batch)
        for ticket in batch[done:]:
            self._write_alone(ticket)

    def tick(self) -> None:
        """The writer is idle: seal an old segment, see whether space is back."""
        self._space.look()
        if self._segment is not None and self._segment.frames and self._is_old(self._segment):
            self._open()
        if self.state is not JournalState.OK and self._clock() >= self._blocked_until:
            self._settle_state()

    def close(self) -> None:
        """Seal the active segment."""
        self._retire()

    def _write_together(self, batch: Sequence[Ticket]) -> int:
        """The ordinary case, one call for all; returns how many tickets it settled."""
        payloads = [ticket.payload for ticket in batch]
        size = sum(map(len, payloads)) + HEADER_BYTES * len(payloads)
        if self._blocked() or not self._space.allows_text(size) or max(map(len, payloads)) > MAX_PAYLOAD_BYTES:
            return 0
        done, _ = self._append(payloads, 0)
        for ticket in batch[:done]:
            ticket.settle(Outcome.WRITTEN)
        if done == len(batch):
            self.state = JournalState.OK
        return done

    def _write_alone(self, ticket: Ticket) -> None:
        """After trouble: this frame whole if it may be, else without texts, else lost and counted."""
        if self._blocked():
            self._drop(ticket)
        elif self._space.allows_text(len(ticket.payload) + HEADER_BYTES) and self._try(ticket.payload, 0):
            self.state = JournalState.OK
            ticket.settle(Outcome.WRITTEN)
        elif self._try_slim(ticket.payload):
            self.tally.slim += 1
            self.state = JournalState.SLIM
            ticket.settle(Outcome.SLIM)
        else:
            self._blocked_until = self._clock() + self._limits.retry_s
            self._drop(ticket)

    def _try_slim(self, payload: bytes) -> bool:
        if self._slim is None:
            return False
        try:
            slim = self._slim(payload)
        except _SLIM_ERRORS:
            self.tally.slim_errors += 1
            return False
        return self._space.allows_slim(len(slim) + HEADER_BYTES) and self._try(slim, FLAG_SLIM)

    def _try(self, payload: bytes, flags: int) -> bool:
        """Write one frame; once more when a new segment or the reserve's blocks may help."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            return False
        for _ in range(2):
            done, error = self._append([payload], flags)
            if done:
                return True
            if error is not None and error.errno in NO_ROOM:
                made_room = self._space.pinch()
                if not (made_room and flags & FLAG_SLIM):
                    return False
        return False

    def _append(self, payloads: list[bytes], flags: int) -> tuple[int, OSError | None]:
        """Append to the active segment, opening one where needed and giving up one that failed."""
        if self._segment is None or self._is_full(self._segment):
            error = self._open()
            if error is not None:
                return 0, error
        segment = self._segment
        assert segment is not None
        before = segment.end
        done, error = segment.append(payloads, flags)
        self._count(done, segment.end - before)
        if done:
            self._syncer.mark(segment)
        if error is not None:
            self.tally.write_errors += 1
            if segment.torn or error.errno not in NO_ROOM:
                self._retire()
        return done, error

    def _count(self, frames: int, size: int) -> None:
        self.tally.frames += frames
        self.tally.bytes += size
        self._space.wrote(size)

    def _open(self) -> OSError | None:
        """Seal the active segment and begin the next; the error when that is impossible."""
        self._retire()
        self._number += 1
        try:
            self._segment = Segment(segment_path(self._folder, self._number), self._clock())
        except OSError as error:
            self.tally.write_errors += 1
            return error
        self.tally.segments += 1
        self._syncer.mark(self._segment, new=True)
        return None

    def _retire(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            if not segment.frames:
                segment.unlink()  # no one needs it
            self._syncer.mark(segment, retired=True)

    def _is_full(self, segment: Segment) -> bool:
        return segment.end >= self._limits.segment_bytes or (segment.frames > 0 and self._is_old(segment))

    def _is_old(self, segment: Segment) -> bool:
        return self._clock() - segment.opened_at >= self._limits.segment_age_s

    def _blocked(self) -> bool:
        return self._clock() < self._blocked_until

    def _drop(self, ticket: Ticket) -> None:
        self.tally.dropped += 1
        self.state = JournalState.FULL
        ticket.settle(Outcome.DROPPED)

    def _settle_state(self) -> None:
        """Without a frame to try: an owner that refuses calls while FULL would never bring one."""
        if (self._segment is None and self._open() is not None) or not self._space.has_room():
            self.state = JournalState.FULL
        elif self._space.allows_text(0):
            self.state = JournalState.OK
        elif self._slim is not None and self._space.allows_slim(0):
            self.state = JournalState.SLIM
        else:
            self.state = JournalState.FULL
