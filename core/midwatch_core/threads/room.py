"""What is remembered of one tenant's exchanges: found by what they said, forgotten when they were not used for long."""

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence

from midwatch_core.threads.known import Known

# Exchanges that said the same, and the newest of a trace, of which so many are looked at.
_MOST_ALIKE = 8
_RECENT = 32


class Room:
    """One tenant's. The least recently used go first; what is told of a trace goes with its last exchange."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._index: dict[str, list[Known]] = {}
        self._traces: dict[str, deque[Known]] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, exchange_id: str) -> Known | None:
        """The exchange of this id."""
        return self._known.get(exchange_id)

    def find(self, key: str) -> Sequence[Known]:
        """Those that a key stands for."""
        return self._index.get(key, ())

    def recent(self, trace_id: str) -> Iterator[Known]:
        """The newest of a trace, newest first."""
        return reversed(self._traces.get(trace_id, ()))

    def has_trace(self, trace_id: str) -> bool:
        """Whether anything of a trace is remembered."""
        return trace_id in self._traces

    def add(self, known: Known) -> None:
        """Remember."""
        self._known[known.id] = known
        for key in known.keys:
            alike = self._index.setdefault(key, [])
            alike.append(known)
            del alike[:-_MOST_ALIKE]
        self._traces.setdefault(known.trace_id, deque(maxlen=_RECENT)).append(known)
        self._counts[known.trace_id] = self._counts.get(known.trace_id, 0) + 1

    def use(self, known: Known) -> None:
        """It was gone on from: it stays for longer."""
        if known.id in self._known:
            self._known.move_to_end(known.id)

    def forget(self, count: int) -> int:
        """Forget so many; how many went."""
        count = min(count, len(self._known))
        for _ in range(count):
            self._drop(self._known.popitem(last=False)[1])
        return count

    def _drop(self, known: Known) -> None:
        for key in known.keys:
            alike = self._index.get(key, [])
            if known in alike:
                alike.remove(known)
            if not alike:
                self._index.pop(key, None)
        self._counts[known.trace_id] -= 1
        if not self._counts[known.trace_id]:
            del self._counts[known.trace_id], self._traces[known.trace_id]
