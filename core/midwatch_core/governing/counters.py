"""All counters of one process, and the tickets that took from them. Pure: the moment is an argument."""

from collections.abc import Mapping, Sequence
from typing import Any

from midwatch_core.governing.asking import CounterId, check_actual, check_demands, check_seed, most_of
from midwatch_core.governing.meters import Counter, Holding, SlidingWindow, Spending, TokenBucket
from midwatch_core.governing.moment import MICRO, Moment
from midwatch_core.governing.tickets import Tickets
from midwatch_core.metering import Admission, Allowance, Bucket, Concurrency, Demand, Window

_NEW: dict[type, type[TokenBucket | SlidingWindow | Holding]] = {
    Bucket: TokenBucket,
    Window: SlidingWindow,
    Concurrency: Holding,
}
# Each new counter has this many others looked at: what is idle goes, and never more stays than is in use, twice.
_LOOKED_AT = 2


class Counters:
    """Limits and budgets as `CacheLayer` has them, in memory that grows with what is in use and no further.

    Every method may raise StorageError for what can't be counted (`asking`).
    """

    def __init__(self) -> None:
        self._counters: dict[CounterId, Counter[Any]] = {}
        self._tickets = Tickets()

    def __len__(self) -> int:
        """How many counters and tickets are kept."""
        return len(self._counters) + len(self._tickets)

    def admit(self, ticket: str, demands: Sequence[Demand], *, hold_s: float, at: Moment) -> Admission:
        """As CacheLayer.admit."""
        ids = check_demands(demands, hold_s)
        self._tickets.expire(at.now_us)
        counters = [self._find(of) for of in ids]
        refusal = _refusal(demands, counters, at)
        if refusal is not None:
            return refusal
        unseeded = tuple(place for place, counter in enumerate(counters) if counter is None)
        if unseeded:
            return Admission(used=_used(demands, counters, at), unseeded=unseeded)
        self._take(ticket, demands, ids, counters, hold_us=round(hold_s * MICRO), at=at)
        return Admission(used=_used(demands, counters, at))

    def settle(self, ticket: str, actual: Mapping[str, int], *, at: Moment) -> bool:
        """As CacheLayer.settle."""
        check_actual(actual)
        self._tickets.expire(at.now_us)
        return self._tickets.settle(ticket, actual)

    def seed(self, name: str, amount: int, *, ends_s: float, at: Moment) -> None:
        """As CacheLayer.seed."""
        check_seed(name, amount, ends_s)
        ends_us = Allowance(limit=0, ends_s=ends_s).ends_us
        of = (Allowance, name, ends_us)
        if of not in self._counters:
            counter = Spending(amount)
            counter.keep(ends_us, at)
            self._keep(of, counter, at)

    def _find(self, of: CounterId) -> Counter[Any] | None:
        """A counter, perhaps a new one that is not kept yet; None for an allowance that was not seeded."""
        counter = self._counters.get(of)
        if counter is None and of[0] is not Allowance:
            counter = _NEW[of[0]]()
        return counter

    def _take(
        self,
        ticket: str,
        demands: Sequence[Demand],
        ids: Sequence[CounterId],
        counters: Sequence[Counter[Any] | None],
        *,
        hold_us: int,
        at: Moment,
    ) -> None:
        note = self._tickets.hold(ticket, at.now_us + hold_us)
        for demand, of, counter in zip(demands, ids, counters, strict=True):
            assert counter is not None  # admit has looked
            note.note(of, counter, counter.take(demand.meter, demand.amount, at), demand.amount)
            if of not in self._counters:
                self._keep(of, counter, at)

    def _keep(self, of: CounterId, counter: Counter[Any], at: Moment) -> None:
        for _ in range(min(_LOOKED_AT, len(self._counters))):
            oldest = next(iter(self._counters))
            looked_at = self._counters.pop(oldest)
            if not looked_at.idle(at):
                self._counters[oldest] = looked_at
        self._counters[of] = counter


def _refusal(demands: Sequence[Demand], counters: Sequence[Counter[Any] | None], at: Moment) -> Admission | None:
    for place, (demand, counter) in enumerate(zip(demands, counters, strict=True)):
        if not demand.hard or counter is None:
            continue
        wait_us = counter.wait_us(demand.meter, demand.amount, at)
        if wait_us:
            retry_after_s = 0.0 if demand.amount > most_of(demand) else wait_us / MICRO
            return Admission(used=_used(demands, counters, at), refused=place, retry_after_s=retry_after_s)
    return None


def _used(demands: Sequence[Demand], counters: Sequence[Counter[Any] | None], at: Moment) -> tuple[int, ...]:
    return tuple(
        0 if counter is None else counter.used(demand.meter, at)
        for demand, counter in zip(demands, counters, strict=True)
    )
