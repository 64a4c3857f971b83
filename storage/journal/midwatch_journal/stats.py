"""The journal's numbers: frozen snapshots for /metrics and heartbeats, and the tallies they are taken from."""

from dataclasses import dataclass
from enum import StrEnum


class JournalState(StrEnum):
    """What the disk lets the writer do: keep all (OK), keep frames without texts (SLIM), keep nothing (FULL)."""

    OK = "ok"
    SLIM = "slim"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStats:
    """A writer's counters since it was opened, and where it stands now.

    `frames` and `bytes` count what was written (slim frames included, headers included); `dropped` frames are lost;
    `late_waits` are waits that gave up before write(2) was done; `used_bytes` is the root's size, about a second old.
    """

    state: JournalState
    frames: int
    bytes: int
    slim: int
    dropped: int
    late_waits: int
    write_errors: int
    slim_errors: int
    fsyncs: int
    fsync_errors: int
    segments: int
    queued_frames: int
    queued_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStats:
    """A reader's counters since it was opened.

    `torn` frames were cut off by a writer's death; `corrupt` stretches had wrong sums (the frames touched are lost);
    `slice_errors` are slices and acknowledgements that the disk took no note of;
    `dead_letters_lost` could not be kept even there, or were the oldest when the dead letters' room ran out.
    """

    entries: int
    torn: int
    corrupt: int
    read_errors: int
    cursor_errors: int
    slice_errors: int
    segments_deleted: int
    dead_letters: int
    dead_letters_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """What waits in the journal: bytes not acknowledged, frames read and not acknowledged, writers, living writers.

    The number of frames not yet read is not known without reading them; their bytes are.
    """

    bytes: int
    frames_unacknowledged: int
    writers: int
    writers_alive: int


@dataclass(slots=True, kw_only=True)
class WriterTally:
    """Counts of the writer thread; it alone changes them."""

    frames: int = 0
    bytes: int = 0
    slim: int = 0
    dropped: int = 0
    write_errors: int = 0
    slim_errors: int = 0
    segments: int = 0


@dataclass(slots=True, kw_only=True)
class ReaderTally:
    """Counts of the reader; its one caller alone changes them."""

    entries: int = 0
    torn: int = 0
    corrupt: int = 0
    read_errors: int = 0
    cursor_errors: int = 0
    slice_errors: int = 0
    segments_deleted: int = 0
    dead_letters: int = 0
    dead_letters_lost: int = 0
