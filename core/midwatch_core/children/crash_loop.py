"""When a process that is started again and again is no hiccup any more, but a crash loop."""

from collections import deque
from dataclasses import dataclass, field

DEATHS, WITHIN_S = 5, 60.0


@dataclass(slots=True)
class CrashLoop:
    """A pure state machine: `deaths` within `within_s` seconds begin it, as long a life at work ends it.

    Clocks are arguments and never step back. It remembers the last `deaths` and no more.
    """

    deaths: int = DEATHS
    within_s: float = WITHIN_S
    _died_s: deque[float] = field(default_factory=deque)
    _on: bool = False

    def died(self, now_s: float) -> bool:
        """The process ended without having been told to; whether it is in a crash loop."""
        self._died_s.append(now_s)
        while len(self._died_s) > self.deaths:
            self._died_s.popleft()
        if len(self._died_s) == self.deaths and now_s - self._died_s[0] <= self.within_s:
            self._on = True
        return self._on

    def is_on(self, now_s: float, at_work_since_s: float | None) -> bool:
        """Whether it is in one now; `at_work_since_s` is None while it does not do its work."""
        if self._on and at_work_since_s is not None and now_s - at_work_since_s >= self.within_s:
            self._on = False
            self._died_s.clear()
        return self._on
