"""How often one address may follow signed links: what needs no key must not keep the house busy."""

from collections import OrderedDict
from collections.abc import Callable

PER_MINUTE = 240
_WINDOW_S = 60.0
_MOST_ADDRESSES = 10_000


class Pacing:
    """So many a minute of each address, in windows that begin with the first. `now` gives monotonic seconds."""

    def __init__(self, *, now: Callable[[], float], per_minute: int = PER_MINUTE) -> None:
        self._now = now
        self._per_minute = per_minute
        # When the window began, and how many came in it; the window that began last is at the end.
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Count one more; 0 where it may come, else how long it is to wait."""
        now_s = self._now()
        began_s, count = self._seen.get(address, (now_s, 0))
        if now_s - began_s >= _WINDOW_S:
            del self._seen[address]
            began_s, count = now_s, 0
        if count >= self._per_minute:
            return began_s + _WINDOW_S - now_s
        self._seen[address] = began_s, count + 1
        while len(self._seen) > _MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return 0.0
