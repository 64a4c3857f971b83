"""Where a worker counts: in the cache it shares, and while that is away, if it may, in its own memory."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum

from midwatch_core.breaker import Breaker, BreakerState
from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.governing.amends import Amends
from midwatch_core.governing.reservation import Reservation
from midwatch_core.governing.rules import RuleCounter
from midwatch_core.governing.seeding import BudgetSeed, seed_of
from midwatch_core.metering import Admission, Allowance, Demand
from midwatch_core.ports import CacheLayer, ImmediateMeters

logger = logging.getLogger(__name__)

# A cache that forgets budgets as fast as they are begun is as good as away.
_ROUNDS = 3
# A call that only took from buckets is never settled: nothing need remember it.
_BRIEF_S = 1.0
# When a settlement that did not reach its cache is tried again.
_RETRY_S = (0.5, 3.0, 10.0)


class _Told(Enum):
    """What became of telling a cache what a call used. FORGOTTEN: it does not know the call, though it should."""

    DONE = 1
    FORGOTTEN = 2
    AWAY = 3


type Spent = Callable[[BudgetSeed], Awaitable[int]]


def _nothing() -> None:
    pass


class Counting:
    """The counters of a worker. `spent` says what a budget's counter begins with; it raises nothing of its own.

    Without a `fallback` nothing is counted while the cache is away. `fell_back` and `lost` are called for each call
    that was counted there, and for each settlement that never reached its cache.
    """

    def __init__(
        self,
        cache: CacheLayer,
        *,
        fallback: CacheLayer | None,
        spent: Spent,
        clock: Clock,
        hold_s: float,
        breaker: Breaker | None = None,
        fell_back: Callable[[], None] = _nothing,
        lost: Callable[[], None] = _nothing,
    ) -> None:
        self.hold_s = hold_s
        self.fallback = fallback
        self.available = True
        self._cache = cache
        self._immediate = cache if isinstance(cache, ImmediateMeters) else None
        self._spent = spent
        self._clock = clock
        # An attempt may cost a call half a second: few are made.
        self._breaker = breaker or Breaker(failures=3, open_s=5.0, probes=1)
        self._fell_back = fell_back
        self._lost = lost
        self._asked: dict[tuple[str, float], asyncio.Future[int]] = {}
        self._amends = Amends(cache)
        self._amending: asyncio.Task[None] | None = None

    def admit_now(self, reservation: Reservation, demands: Sequence[Demand]) -> Admission | None:
        """Ask a cache that is in this process; None where the answer has to be waited for."""
        if self._immediate is None:
            return None
        admission = self._immediate.admit_now(reservation.ticket, demands, hold_s=self._hold_s(reservation))
        if admission.unseeded:
            return None
        if admission.granted and self._cache not in reservation.places:
            reservation.places.append(self._cache)
        return admission

    async def admit(
        self, reservation: Reservation, counters: Sequence[RuleCounter], demands: Sequence[Demand]
    ) -> Admission:
        """Ask and wait. Raises StorageUnavailableError where nothing can be counted now."""
        # Before it is asked: by its own time, the cache holds what it grants for longer.
        reservation.held_until_s = self._clock.monotonic() + self._hold_s(reservation)
        if self._breaker.allows(self._clock.monotonic()):
            is_new = self._cache not in reservation.places
            try:
                admission = await self._admit(self._cache, reservation, counters, demands)
            except StorageError as error:
                reservation.unheard |= is_new
                self._failed(error)
            else:
                self._worked()
                return admission
        if self.fallback is None:
            raise StorageUnavailableError("the cache is away")
        self._fell_back()
        return await self._admit(self.fallback, reservation, counters, demands)

    def settle(self, reservation: Reservation, actual: Mapping[str, int]) -> Awaitable[None] | None:
        """Have the counters stand at what was used; to be awaited where it can't be done at once."""
        if self._immediate is not None and all(place is self._cache for place in reservation.places):
            self._immediate.settle_now(reservation.ticket, actual)
            return None
        return self._settle(reservation, actual)

    async def _settle(self, reservation: Reservation, actual: Mapping[str, int]) -> None:
        """Each place on its own: one that counted only a part of the call stands at all of it, never too low."""
        counted = False
        for place in reservation.places:
            told = await self._settled(place, reservation, actual)
            if told is _Told.AWAY:
                self._lost()
            counted |= place is self._cache and (told is _Told.DONE or (told is _Told.AWAY and not reservation.unheard))
        if not counted and self._clock.monotonic() < reservation.held_until_s:
            await self._amend(reservation, actual)

    async def _settled(self, place: CacheLayer, reservation: Reservation, actual: Mapping[str, int]) -> _Told:
        """Tell a place, with some tries: what it can't be told of stays as it was reserved there."""
        tried = False
        for delay_s in (*_RETRY_S, None):
            if delay_s is None or not self._left_alone(place, reservation):
                told = await self._tell(place, reservation.ticket, actual)
                if told is not _Told.AWAY:
                    # A try whose answer was lost may have been the one that counted, if there was something to count.
                    return _Told.DONE if tried and not reservation.unheard else told
                tried = True
            if delay_s is not None:
                await asyncio.sleep(delay_s)
        return _Told.AWAY

    async def _tell(self, place: CacheLayer, ticket: str, actual: Mapping[str, int]) -> _Told:
        try:
            return _Told.DONE if await place.settle(ticket, actual) else _Told.FORGOTTEN
        except StorageError as error:
            if place is self._cache:
                self._failed(error)
            return _Told.AWAY

    async def _amend(self, reservation: Reservation, actual: Mapping[str, int]) -> None:
        """The cache does not have this call: what it spent is added to its budgets, now or when that can be done."""
        now_s = self._clock.now().timestamp()
        spent = [
            counter.demand(amount, now_s)
            for counter in reservation.counters.all
            if (reserved := reservation.reserved_nano.get(counter.name))
            and (amount := actual.get(counter.name, reserved))
        ]
        if self._cache in reservation.places:
            self._amends.marked = False  # it forgot the call, and all else
        if not self.available:
            self._amends.owe(spent)
            return
        try:
            await self._amends.add(spent)
        except StorageError as error:
            self._failed(error)

    def _left_alone(self, place: CacheLayer, reservation: Reservation) -> bool:
        if place is not self._cache:
            return False
        return self._breaker.state is BreakerState.OPEN or (reservation.unheard and not self.available)

    async def _admit(
        self,
        cache: CacheLayer,
        reservation: Reservation,
        counters: Sequence[RuleCounter],
        demands: Sequence[Demand],
    ) -> Admission:
        # Noted before it is asked: an answer that never comes may have been a yes.
        is_new = cache not in reservation.places
        if is_new:
            reservation.places.append(cache)
        for _ in range(_ROUNDS):
            admission = await cache.admit(reservation.ticket, demands, hold_s=self._hold_s(reservation))
            if admission.refused is not None and is_new:
                reservation.places.remove(cache)
            if not admission.unseeded:
                return admission
            for place in admission.unseeded:
                await self._seed(cache, counters[place], demands[place])
        raise StorageUnavailableError("it forgets budgets as soon as they are begun")

    def _hold_s(self, reservation: Reservation) -> float:
        return self.hold_s if reservation.counters.settled else _BRIEF_S

    async def _seed(self, cache: CacheLayer, counter: RuleCounter, demand: Demand) -> None:
        """Begin a budget's counter. Calls that come meanwhile wait for the same answer."""
        assert isinstance(demand.meter, Allowance)
        if cache is self._cache:
            self._amends.marked = False  # it may be a cache that lost all while nobody here asked
        ends_s = demand.meter.ends_s
        key = (demand.name, ends_s)
        asked = self._asked.get(key)
        if asked is None:
            # A moment of the demand's own period: the clock may have gone on since.
            asked = asyncio.ensure_future(self._spent(seed_of(counter, ends_s - 1)))
            self._asked[key] = asked
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
        await cache.seed(demand.name, await asyncio.shield(asked), ends_s=ends_s)

    def _failed(self, error: StorageError) -> None:
        self._breaker.failed(self._clock.monotonic())
        if self.available:
            self.available = False
            instead = "each worker counts by itself" if self.fallback is not None else "calls under them are refused"
            logger.error("limits and budgets have no cache, %s meanwhile: %s", instead, error)

    def _worked(self) -> None:
        self._breaker.succeeded()
        is_due = not (self.available and self._amends.marked)
        if is_due and self._amending is None and self._immediate is None:  # what is in this process is never away
            self._amending = asyncio.ensure_future(self._make_amends())
        if not self.available:
            self.available = True
            logger.warning("limits and budgets have their cache again")

    async def _make_amends(self) -> None:
        try:
            await self._amends.make()
        except StorageError as error:
            self._failed(error)
        finally:
            self._amending = None
