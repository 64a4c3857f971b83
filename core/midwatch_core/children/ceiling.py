"""When a process has grown too large: a moment above its ceiling is none."""

from dataclasses import dataclass

LOOKS = 3


@dataclass(slots=True)
class Ceiling:
    """A pure state machine: above the ceiling at `looks` looks in a row is too large."""

    looks: int = LOOKS
    _above: int = 0

    def look(self, resident_bytes: int, most_bytes: int) -> bool:
        """Whether it is too large; `most_bytes` of 0 is no ceiling, and a memory that is not known is 0."""
        self._above = self._above + 1 if 0 < most_bytes < resident_bytes else 0
        return self._above >= self.looks
