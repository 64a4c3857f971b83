"""The writer's settings, with the defaults a user can rely on."""

from dataclasses import dataclass

from .errors import JournalError


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLimits:
    """Bounds of a journal's writer, in bytes and seconds. Raises JournalError when they contradict each other.

    `max_bytes` bounds the whole root, all writers together (checked against a count at most `refresh_s` old); its last
    `reserve_bytes` are for frames without texts, and as many are preallocated on the disk. A segment is sealed at
    `segment_bytes`, or when it holds frames and is older than `segment_age_s`. `queue_bytes` bounds what waits in
    memory for a disk that does not answer. `retry_s` is the pause after a frame was lost, before the next try.
    """

    max_bytes: int = 1024 * 1024 * 1024
    reserve_bytes: int = 4 * 1024 * 1024
    segment_bytes: int = 16 * 1024 * 1024
    segment_age_s: float = 30.0
    queue_bytes: int = 64 * 1024 * 1024
    fsync_interval_s: float = 0.5
    refresh_s: float = 1.0
    retry_s: float = 0.25

    def __post_init__(self) -> None:
        if self.reserve_bytes < 0 or self.segment_bytes <= 0 or self.queue_bytes <= 0:
            raise JournalError("journal limits must be positive")
        if self.max_bytes <= self.reserve_bytes:
            raise JournalError(
                f"journal max_bytes {self.max_bytes} must be more than reserve_bytes {self.reserve_bytes}"
            )
        if min(self.segment_age_s, self.fsync_interval_s, self.refresh_s, self.retry_s) <= 0:
            raise JournalError("journal intervals must be more than 0 seconds")
