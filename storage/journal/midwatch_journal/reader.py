"""The control process's side of the journal: poll, store, acknowledge. Counterpart: writer.py."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from .deadletters import DEAD_LETTER_BYTES, DeadLetter, DeadLetterFile
from .entries import Entry, Position
from .layout import READER_LOCK, SLICES, private_folder, writer_ids
from .locks import HeldLock
from .slices import Slice, SliceLog
from .source import Source
from .stats import Depth, ReaderStats, ReaderTally


class JournalReader:
    """Reads all writers' frames of a root: each once in this reader's life, again after its death if not acknowledged.

    What comes again comes in the same slices: each poll gives once more exactly what one poll gave before, while
    nothing of that was acknowledged and the process alone died (a power loss may cost the notes of it, never a frame).
    One at a time: raises JournalLockedError while another reader lives, JournalError when the root cannot be made. Its
    methods are for one thread at a time. `now` gives seconds since 1970 (the time on dead letters).
    """

    def __init__(
        self, root: Path, *, dead_letter_bytes: int = DEAD_LETTER_BYTES, now: Callable[[], float] = time.time
    ) -> None:
        self._root = private_folder(root)
        self._lock = HeldLock(root / READER_LOCK)
        self._tally = ReaderTally()
        self._sources: dict[str, Source] = {}
        self._log = SliceLog(root / SLICES)
        self._on_its_way: list[Slice] = []
        self._to_come_again = deque(self._log.slices)
        self._dead = DeadLetterFile(root, dead_letter_bytes)
        self._now = now
        self._turn = 0

    def poll(self, max_frames: int = 500, max_bytes: int = 8 * 1024 * 1024) -> list[Entry]:
        """Entries not handed out yet; empty when there are none. Ordered within a writer, fair among writers.

        `max_bytes` (of payloads) may be passed by one frame a writer: a frame larger than it comes too. A slice that
        comes again keeps its bounds of then. Never raises for what is on the disk: torn and corrupt frames are counted
        and passed over.
        """
        self._discover()
        runs = self._handed_out_before() or self._next_runs(max_frames, max_bytes)
        if runs:
            self._on_its_way.append(tuple(run[-1].position for run in runs))
        self._sweep()
        return [entry for run in runs for entry in run]

    def _handed_out_before(self) -> list[list[Entry]]:
        """The next slice that is to come again, as far as it is still there."""
        while self._to_come_again:
            ends = self._to_come_again.popleft()
            asked = [(self._sources[end.writer], end) for end in ends if end.writer in self._sources]
            found = [source.take(sys.maxsize, sys.maxsize, until=end) for source, end in asked]
            if runs := [run for run in found if run]:
                return runs
        return []

    def _next_runs(self, max_frames: int, max_bytes: int) -> list[list[Entry]]:
        """Entries not handed out yet: one list for each time a writer was asked. They are noted as a slice."""
        runs: list[list[Entry]] = []
        asking = self._in_turn()
        while asking and max_frames > 0 and max_bytes > 0:
            share, share_bytes = max(1, max_frames // len(asking)), max(1, max_bytes // len(asking))
            more: list[Source] = []
            for source in asking:
                found = source.take(min(share, max_frames), share_bytes)
                max_frames -= len(found)
                max_bytes -= sum(len(entry.payload) for entry in found)
                if found:
                    runs.append(found)
                    more.append(source)
                if max_frames <= 0 or max_bytes <= 0:
                    break
            asking = more
        if runs and not self._log.note(tuple(run[-1].position for run in runs)):
            self._tally.slice_errors += 1
        return runs

    def acknowledge(self, positions: Iterable[Position]) -> None:
        """These entries, and all before them of the same writers, are safely stored: they never come again.

        Segments read to the end are deleted, and the folders of dead writers with nothing left. A cursor that a full
        disk does not take is counted; the deleting goes on, for it makes room.
        """
        last: dict[str, Position] = {}
        for position in positions:
            if position.writer not in last or last[position.writer] < position:
                last[position.writer] = position
        if last and not self._log.keep(last.values()):
            self._tally.slice_errors += 1
        for writer, position in last.items():
            if writer in self._sources:
                self._sources[writer].acknowledge(position)
        self._on_its_way = [ends for ends in self._on_its_way if not all(map(self._has_acknowledged, ends))]
        if not self._on_its_way and not self._to_come_again:
            self._log.clear()
        self._sweep()

    def rewind(self) -> None:
        """Have all that is not acknowledged come again, as after a restart."""
        self._to_come_again.extendleft(reversed(self._on_its_way))
        self._on_its_way.clear()
        for source in self._sources.values():
            source.rewind()

    def dead_letter(self, entry: Entry, reason: str) -> bool:
        """Keep an entry that cannot be stored aside; acknowledge it afterwards as any other. False when that fails."""
        kept = self._dead.add(DeadLetter(entry=entry, reason=reason, at=self._now()), self._tally)
        self._dead.trim(self._tally)
        return kept

    def stats(self) -> ReaderStats:
        """The counters now."""
        return ReaderStats(**asdict(self._tally))

    def depth(self) -> Depth:
        """What waits, as of now for bytes, as of the last poll for writers."""
        sources = self._sources.values()
        return Depth(
            bytes=sum(source.waiting_bytes() for source in sources),
            frames_unacknowledged=sum(source.unacknowledged for source in sources),
            writers=len(sources),
            writers_alive=sum(source.alive for source in sources),
        )

    def close(self) -> None:
        """Let files and lock go; what is not acknowledged comes again to the next reader."""
        for source in self._sources.values():
            source.close()
        self._sources.clear()
        self._log.close()
        self._dead.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _discover(self) -> None:
        for writer in writer_ids(self._root):
            if writer not in self._sources:
                self._sources[writer] = Source(self._root / writer, self._tally, self._log.kept.get(writer))
        for source in self._sources.values():
            source.refresh()

    def _has_acknowledged(self, position: Position) -> bool:
        source = self._sources.get(position.writer)
        return source is None or source.has_acknowledged(position)

    def _in_turn(self) -> list[Source]:
        """All sources, beginning with another one each time: no one is always first."""
        sources = list(self._sources.values())
        self._turn = (self._turn + 1) % max(1, len(sources))
        return sources[self._turn :] + sources[: self._turn]

    def _sweep(self) -> None:
        for writer, source in list(self._sources.items()):
            if source.consumed and source.remove():
                del self._sources[writer]
