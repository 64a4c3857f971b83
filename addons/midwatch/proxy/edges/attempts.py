"""Wrong keys by address: a pure state machine that says who has tried too often. Counterpart: `knocking`."""

from collections import OrderedDict
from dataclasses import dataclass, field

WINDOW_S = 60.0
# Addresses and callers are remembered up to so many: the one that was heard of longest ago is forgotten first.
_MAX_ADDRESSES = 4096
_MAX_KNOWN = 4096


@dataclass(slots=True)
class _Tries:
    """What an address tried: when its window began, how often since, and until when it must wait."""

    since_s: float
    count: int = 0
    until_s: float = 0.0


@dataclass(slots=True)
class Attempts:
    """`limit` wrong keys within a minute make an address wait for `wait_s`; a limit of 0 is none.

    Who was let in from there before goes on: behind one address there may be a whole office. A caller is any text that
    tells it from others. Times are of a clock that never steps back.
    """

    limit: int
    wait_s: float
    _tries: OrderedDict[str, _Tries] = field(default_factory=OrderedDict)
    _known: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def failed(self, address: str, now_s: float) -> bool:
        """A wrong key; whether the address must wait from now on, which it did not before."""
        tries = self._tries.get(address)
        if tries is None or now_s - tries.since_s >= WINDOW_S:
            # A new window does not end a wait that has begun.
            tries = self._tries[address] = _Tries(since_s=now_s, until_s=tries.until_s if tries else 0.0)
        self._tries.move_to_end(address)
        if len(self._tries) > _MAX_ADDRESSES:
            self._tries.popitem(last=False)
        tries.count += 1
        if not self.limit or tries.count < self.limit:
            return False
        waited = tries.until_s > now_s
        tries.until_s = now_s + self.wait_s
        return not waited

    def passed(self, address: str, caller: str) -> None:
        """A caller was let in from an address that need not wait."""
        self._known[address, caller] = None
        self._known.move_to_end((address, caller))
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)

    def wait_of(self, address: str, now_s: float, caller: str | None = None) -> float:
        """Seconds that an address has to wait still; 0 where it need not, or this caller need not."""
        tries = self._tries.get(address)
        if tries is None or tries.until_s <= now_s or (caller is not None and (address, caller) in self._known):
            return 0.0
        return tries.until_s - now_s

    def waiting(self, now_s: float) -> int:
        """How many addresses must wait now."""
        return sum(tries.until_s > now_s for tries in self._tries.values())
