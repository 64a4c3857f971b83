"""How many connections there are, in all and by client: a pure count that says who is one too many."""

import contextlib
import resource
from collections import Counter
from dataclasses import dataclass, field

# What a worker needs for itself: its journal, control, caches, packs, pools of processes, and the log.
_OWN_DESCRIPTORS = 128
# A connection of a client's brings one to a server.
_EACH = 2
LATELY_S = 60.0


def make_room() -> None:
    """Let this process open as many files as the system allows it to: shells and services begin with few (1,024)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS says "any number", and then refuses it: there what the process began with stays.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def room(most: int) -> int:
    """So many connections fit: `most`, or what file descriptors are left for, if that is less. 0 is any number."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    fitting = max((soft - _OWN_DESCRIPTORS) // _EACH, 1)
    return min(most, fitting) if most else fitting


@dataclass(slots=True)
class TurnedAway:
    """How many were turned away lately, counted by the second, for it may be a flood. Times never step back."""

    _by_second: dict[int, int] = field(default_factory=dict)

    def one(self, now_s: float) -> None:
        """One more."""
        self._by_second[int(now_s)] = self._by_second.get(int(now_s), 0) + 1

    def lately(self, now_s: float) -> int:
        """So many within the last minute."""
        self._by_second = {at: count for at, count in self._by_second.items() if at > now_s - LATELY_S}
        return sum(self._by_second.values())


@dataclass(slots=True)
class Crowd:
    """Counts who is here. `most` connections in all, `most_each` of one address; 0 is no bound."""

    most: int
    most_each: int
    _here: dict[str, str] = field(default_factory=dict)
    _by_address: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._here)

    def enters(self, connection: str, address: str) -> str | None:
        """A connection comes: None where there is room, else which edge it met: `crowd` or `client_crowd`."""
        if self.most and len(self._here) >= self.most:
            return "crowd"
        if self.most_each and self._by_address[address] >= self.most_each:
            return "client_crowd"
        self._here[connection] = address
        self._by_address[address] += 1
        return None

    def leaves(self, connection: str) -> None:
        """A connection is gone; one that was not let in leaves no trace."""
        address = self._here.pop(connection, None)
        if address is None:
            return
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
