"""What each call has taken, until it is settled or its time is over. Pure: the moment is an argument."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any

from midwatch_core.governing.asking import CounterId
from midwatch_core.governing.meters import Counter, Holding, TokenBucket
from midwatch_core.metering import SLOTS, Allowance


@dataclass(slots=True)
class Part:
    """An amount that was taken from a counter, and at which place of it."""

    counter: Counter[Any]
    place: int
    amount: int


@dataclass(slots=True)
class Taken:
    """What one ticket took of one limit or budget, oldest first. `gone` was taken so long ago that no slot has it."""

    name: str
    gone: int = 0
    parts: list[Part] = field(default_factory=list)

    def add(self, counter: Counter[Any], place: int, amount: int) -> None:
        """Note a further amount."""
        last = self.parts[-1] if self.parts else None
        if last is not None and last.counter is counter and last.place == place:
            last.amount += amount
            return
        self.parts.append(Part(counter, place, amount))
        if len(self.parts) > SLOTS + 1:
            self.gone += self.parts.pop(0).amount

    def settle(self, actual: int) -> None:
        """Have the counters stand at `actual`: what was taken first was used first."""
        left = max(0, actual - self.gone)
        for part in self.parts:
            used = left if part is self.parts[-1] else min(part.amount, left)
            part.counter.correct(part.place, used - part.amount)
            left -= used


@dataclass(slots=True)
class Ticket:
    """What one call holds and has taken."""

    expires_us: int
    held: dict[CounterId, Part] = field(default_factory=dict)
    taken: dict[CounterId, Taken] = field(default_factory=dict)

    def note(self, of: CounterId, counter: Counter[Any], place: int, amount: int) -> None:
        """Note what was taken of a counter. Buckets keep, and of nothing there is nothing to note."""
        if isinstance(counter, TokenBucket) or amount == 0:
            return
        if isinstance(counter, Holding):
            self.held.setdefault(of, Part(counter, 0, 0)).amount += amount
            return
        kind, name, _ = of
        # A call that lasts into the next period has one sum in two allowances.
        limit = (kind, name, 0) if kind is Allowance else of
        self.taken.setdefault(limit, Taken(name)).add(counter, place, amount)

    def let_go(self) -> None:
        """Hold nothing any more."""
        for part in self.held.values():
            part.counter.correct(part.place, -part.amount)


class Tickets:
    """All tickets of a process, by name; those whose time is over let go and are forgotten."""

    def __init__(self) -> None:
        self._open: dict[str, Ticket] = {}
        self._queue: list[tuple[int, str]] = []  # a heap; an entry may be out of date

    def __len__(self) -> int:
        return len(self._open)

    def hold(self, name: str, expires_us: int) -> Ticket:
        """The ticket of this name, new or not, kept at least until then."""
        ticket = self._open.get(name)
        if ticket is None:
            ticket = self._open[name] = Ticket(expires_us)
            self._push(name, expires_us)
        # Its place in the queue is put right when its turn comes.
        ticket.expires_us = max(ticket.expires_us, expires_us)
        return ticket

    def settle(self, name: str, actual: Mapping[str, int]) -> bool:
        """Close a ticket; False where it is not there."""
        ticket = self._open.pop(name, None)
        if ticket is None:
            return False
        ticket.let_go()
        for taken in ticket.taken.values():
            amount = actual.get(taken.name)
            if amount is not None:
                taken.settle(amount)
        return True

    def expire(self, now_us: int) -> None:
        """Forget those whose time is over."""
        for name in self._due(now_us):
            ticket = self._open.get(name)
            if ticket is not None and ticket.expires_us > now_us:
                heappush(self._queue, (ticket.expires_us, name))
            elif ticket is not None:
                ticket.let_go()
                del self._open[name]

    def _due(self, now_us: int) -> Iterator[str]:
        while self._queue and self._queue[0][0] <= now_us:
            yield heappop(self._queue)[1]

    def _push(self, name: str, expires_us: int) -> None:
        heappush(self._queue, (expires_us, name))
        if len(self._queue) > 2 * len(self._open) + 64:  # most tickets are settled long before their time
            self._queue = [(ticket.expires_us, name) for name, ticket in self._open.items()]
            heapify(self._queue)
