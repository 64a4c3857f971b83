"""The texts sent lately: a conversation's next turn brings them again, and need not send them again."""

from collections import OrderedDict
from collections.abc import Iterable

# About 10 MB.
_CAPACITY = 50_000
# Well below the day by which texts outlive exchanges where ttl_days is set.
_LONGEST_S = 12 * 3600.0

type TextKey = tuple[str, str]


class RecentTexts:
    """Keys (tenant, hash) of texts known to be kept, the longest unused going first.

    Only as good as nobody deletes: `follow` forgets all where a deletion began since.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._keys: OrderedDict[TextKey, None] = OrderedDict()
        self._capacity = capacity
        self._sweeps = -1
        self._since_s = 0.0

    def follow(self, sweeps: int, now_s: float) -> None:
        """Forget all if `sweeps` is not what it was, or it is half a day old by the monotonic clock."""
        if sweeps != self._sweeps or now_s - self._since_s > _LONGEST_S:
            self.clear()
            self._sweeps, self._since_s = sweeps, now_s

    def unknown(self, keys: Iterable[TextKey]) -> list[TextKey]:
        """Those of the keys that are not known to be kept, each once."""
        return [key for key in dict.fromkeys(keys) if key not in self._keys]

    def add(self, keys: Iterable[TextKey], sweeps: int) -> None:
        """These are kept now, as far as `sweeps` deletions can tell: not where another has begun since."""
        if sweeps != self._sweeps:
            return
        for key in keys:
            self._keys[key] = None
            self._keys.move_to_end(key)
        while len(self._keys) > self._capacity:
            self._keys.popitem(last=False)

    def clear(self) -> None:
        """Forget all: the server may not be what it was."""
        self._keys.clear()
