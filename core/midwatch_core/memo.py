"""The memo: what a detector found in a text, so that a text seen before is never scanned again."""

from collections import OrderedDict
from collections.abc import Callable

from midwatch_core.model.segment import Part

type _Key = tuple[str, str, Part, str]


class Memo[Found]:
    """The least recently used are forgotten first, when more than `capacity` are kept.

    A text counts as one and, by `weight`, each of the things found in it as one more, so that a text full of findings
    does not cost more memory than it stands for. `text_hash` is the segment's: keyed, and scoped by tenant, so tenants
    share nothing. `version` covers the detector's code, settings and packs: whatever changes what it would find.
    """

    def __init__(self, capacity: int = 100_000, *, weight: Callable[[Found], int]) -> None:
        self.capacity = capacity
        self.hits = 0
        self.misses = 0
        self._weigh = weight
        self._kept: OrderedDict[_Key, Found] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, detector: str, version: str, part: Part, text_hash: str) -> Found | None:
        """What was found, perhaps nothing (an empty thing); None where this detector has not seen this text."""
        key = (detector, version, part, text_hash)
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found

    def has(self, detector: str, version: str, part: Part, text_hash: str) -> bool:
        """Whether this detector has seen this text; it counts as no use of what was found."""
        return (detector, version, part, text_hash) in self._kept

    def put(self, detector: str, version: str, part: Part, text_hash: str, found: Found) -> Found:
        """Keep what was found, and give it back. A text without a hash is not kept: it has no name to find it by."""
        if not text_hash:
            return found
        key = (detector, version, part, text_hash)
        self._weight += 1 + self._weigh(found)
        before = self._kept.pop(key, None)
        if before is not None:
            self._weight -= 1 + self._weigh(before)
        self._kept[key] = found
        while self._weight > self.capacity:
            _, forgotten = self._kept.popitem(last=False)
            self._weight -= 1 + self._weigh(forgotten)
        return found

    def clear(self) -> None:
        """Forget all, such as when packs were loaded anew."""
        self._kept.clear()
        self._weight = 0
