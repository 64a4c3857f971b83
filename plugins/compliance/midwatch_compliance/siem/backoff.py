"""Backoff: how long a sink is left alone after it failed. A state machine; who uses it sleeps."""

from dataclasses import dataclass

FIRST_S = 1.0
LONGEST_S = 60.0
# A receiver may ask for more, not for ever.
_MOST_ASKED_S = 3600.0


@dataclass(slots=True)
class Backoff:
    """Doubles from FIRST_S to LONGEST_S with each failure in a row."""

    failures: int = 0

    def failed(self, asked_s: float | None = None) -> float:
        """The seconds to wait now, at least those that the receiver asked for."""
        self.failures += 1
        own = min(LONGEST_S, FIRST_S * 2.0 ** min(self.failures - 1, 10))
        return max(own, min(asked_s or 0.0, _MOST_ASKED_S))

    def succeeded(self) -> None:
        """It works again."""
        self.failures = 0
