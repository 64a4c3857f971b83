"""How long to wait before a dead process is started again."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Delays double, up to a limit, until a process lived well.

    One that dies before it was ready would do so again: it may wait up to `limit_s`. One that dies at work was
    killed, or met a call it could not bear: others' calls wait for it, so it never waits longer than `soon_s`.
    """

    first_s: float = 0.1
    soon_s: float = 1.0
    limit_s: float = 10.0
    healthy_s: float = 10.0
    _next_s: float = 0.0

    def after(self, lived_s: float, *, was_ready: bool) -> float:
        """The delay after a life of `lived_s` seconds."""
        if was_ready and lived_s >= self.healthy_s:
            self._next_s = 0.0
        delay_s = min(max(self._next_s, self.first_s), self.soon_s if was_ready else self.limit_s)
        self._next_s = delay_s * 2
        return delay_s
