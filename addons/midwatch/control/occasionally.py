"""What is asked every second and need not be looked at that often."""

from collections.abc import Callable


class Occasionally[T]:
    """Gives what `look` gave, and looks again after `every_s` seconds of `now`, which never steps back."""

    def __init__(self, look: Callable[[], T], every_s: float, now: Callable[[], float]) -> None:
        self._look = look
        self._every_s = every_s
        self._now = now
        self._held: tuple[float, T] | None = None

    def __call__(self) -> T:
        """What was seen at the last look. Raises what a look does."""
        now_s = self._now()
        if self._held is None or now_s - self._held[0] >= self._every_s:
            self._held = now_s, self._look()
        return self._held[1]
