"""What the reader hands out: an entry and its position."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """The place right after an entry: writer id, segment number, offset in bytes. One writer's are ordered."""

    writer: str
    segment: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One frame as it was written. `slim`: there was no room for its texts, the payload is the writer's slim form."""

    payload: bytes
    position: Position
    slim: bool = False
