"""When a model's process that was lost, or could not load, may be started again."""

from midwatch_core.children.backoff import Backoff


class Attempts:
    """Starts that fail `most` times in a row end it; `again_s` later it may be tried anew. Clocks are arguments."""

    def __init__(self, *, most: int = 5, again_s: float = 60.0) -> None:
        self._most = most
        self._again_s = again_s
        self._backoff = Backoff()
        self._failed = 0
        self._not_before_s = float("-inf")

    def allowed(self, now_s: float) -> bool:
        """Whether it may be tried: it was not given up, or long ago."""
        return now_s >= self._not_before_s

    def began(self) -> None:
        """It is tried anew."""
        self._failed = 0

    def lost(self, lived_s: float, *, was_ready: bool) -> float | None:
        """The seconds to wait before the next start; None where there were too many in vain."""
        self._failed = 0 if was_ready else self._failed + 1
        if self._failed >= self._most:
            return None
        return self._backoff.after(lived_s, was_ready=was_ready)

    def give_up(self, now_s: float) -> None:
        """Leave it alone for a while."""
        self._not_before_s = now_s + self._again_s
