"""The rate cap of a channel: so many messages in any minute. Pure: times are seconds, and given."""

from collections import deque
from collections.abc import Iterable

_MINUTE_S = 60.0


class RateCap:
    """Remembers when the last `per_minute` messages went out; 0 is no limit."""

    def __init__(self, per_minute: int, sent_s: Iterable[float] = ()) -> None:
        self._per_minute = per_minute
        self._sent = deque(sorted(sent_s), maxlen=per_minute)

    def wait_s(self, now_s: float) -> float:
        """Seconds until one more may go; 0 for at once."""
        if len(self._sent) < self._per_minute or not self._sent:
            return 0.0
        return max(0.0, self._sent[0] + _MINUTE_S - now_s)

    def sent(self, now_s: float) -> None:
        """One went out."""
        self._sent.append(now_s)
