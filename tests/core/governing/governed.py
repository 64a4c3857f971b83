"""A governor over a memory cache, with prices of its own and a clock that stands still."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from midwatch_core.errors import StorageUnavailableError
from midwatch_core.governing.counting import Counting
from midwatch_core.governing.crossings import Crossing, Crossings
from midwatch_core.governing.governor import Governor
from midwatch_core.governing.rates import RateBook
from midwatch_core.governing.reservation import Reservation, Ruling
from midwatch_core.governing.rules import Rules
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.governing.settings import BudgetRule, LimitRule
from midwatch_core.metering import Admission, Demand
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.usage import Usage
from midwatch_core.ports import CacheLayer
from midwatch_core.testing import make_exchange
from midwatch_memory.cache import MemoryCache

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass
class StoppedClock:
    """A clock that goes only when told to."""

    at: datetime = NOON
    monotonic_s: float = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.monotonic_s

    def go(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.monotonic_s += seconds


def price(exchange: Exchange) -> Cost | None:
    """3 dollars a million tokens in, 15 out, cache writes 3.75; models called `free-…` have no price."""
    usage = exchange.response.usage if exchange.response is not None else None
    if usage is None or usage.input_tokens is None or (exchange.request.model or "").startswith("free-"):
        return Cost(reason="unknown")
    written = usage.cache_write_5m_tokens or 0
    amount = (
        Decimal(3) * (usage.input_tokens - written)
        + Decimal("3.75") * written
        + Decimal(15) * (usage.output_tokens or 0)
    )
    return Cost(amount=amount / 1_000_000, source="test")


class Remote:
    """A cache that has to be waited for, and that can be away: memory behind a door without ImmediateMeters."""

    def __init__(self, clock: StoppedClock) -> None:
        self.clock = clock
        self.away = False
        self.asked = 0
        self._inner = MemoryCache(clock)

    async def start(self) -> None:
        await self._inner.start()

    async def get(self, key: str) -> bytes | None:
        return await self._inner.get(key)

    async def set(self, key: str, value: bytes, *, ttl_s: float | None = None) -> None:
        await self._inner.set(key, value, ttl_s=ttl_s)

    async def ttl(self, key: str) -> float | None:
        return await self._inner.ttl(key)

    async def invalidate(self, *keys: str) -> int:
        return await self._inner.invalidate(*keys)

    async def lease(self, name: str, holder: str, ttl_s: float) -> bool:
        return await self._inner.lease(name, holder, ttl_s)

    async def release(self, name: str, holder: str) -> None:
        await self._inner.release(name, holder)

    async def admit(self, ticket: str, demands: Sequence[Demand], *, hold_s: float) -> Admission:
        await self._pass()
        return await self._inner.admit(ticket, demands, hold_s=hold_s)

    async def settle(self, ticket: str, actual: Mapping[str, int]) -> bool:
        await self._pass()
        return await self._inner.settle(ticket, actual)

    async def add(self, key: str, amounts: Mapping[str, float], *, ttl_s: float) -> None:
        await self._inner.add(key, amounts, ttl_s=ttl_s)

    async def sums(self, key: str) -> Mapping[str, float]:
        return await self._inner.sums(key)

    async def seed(self, name: str, amount: int, *, ends_s: float) -> None:
        await self._pass()
        await self._inner.seed(name, amount, ends_s=ends_s)

    async def close(self) -> None:
        await self._inner.close()

    async def forget(self) -> None:
        """Lose everything, as a server that was flushed."""
        await self._inner.close()
        await self._inner.start()

    async def _pass(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise StorageUnavailableError("the cache does not answer")


@dataclass
class Governed:
    """A governor and what it is made of."""

    limits: Sequence[LimitRule] = ()
    budgets: Sequence[BudgetRule] = ()
    clock: StoppedClock = field(default_factory=StoppedClock)
    cache: CacheLayer | None = None
    fallback: CacheLayer | None = None
    spent_before: int = 0
    seeds: list[BudgetSeed] = field(default_factory=list)
    crossed: list[Crossing] = field(default_factory=list)
    fell_back: int = 0
    lost: int = 0

    async def start(self) -> "Governed":
        self.cache = self.cache or MemoryCache(self.clock)
        await self.cache.start()
        self.counting = Counting(
            self.cache,
            fallback=self.fallback,
            spent=self._spent,
            clock=self.clock,
            hold_s=900,
            fell_back=self._fall_back,
            lost=self._lose,
        )
        self.governor = Governor(
            Rules(self.limits, self.budgets),
            assumed_output_tokens=100,
            counting=self.counting,
            book=RateBook(price),
            clock=self.clock,
            crossings=Crossings(self.crossed.append),
        )
        return self

    async def _spent(self, seed: BudgetSeed) -> int:
        self.seeds.append(seed)
        return self.spent_before

    def _fall_back(self) -> None:
        self.fell_back += 1

    def _lose(self) -> None:
        self.lost += 1

    def open(self, exchange: Exchange) -> Reservation:
        reservation = self.governor.open(exchange, body_bytes=exchange.request.body_bytes)
        assert reservation is not None
        return reservation

    async def admit(self, reservation: Reservation) -> Ruling:
        return await ruled(self.governor.admit(reservation))

    async def settle(self, reservation: Reservation, exchange: Exchange) -> None:
        settling = self.governor.settle(reservation, self.governor.used(reservation, exchange))
        if settling is not None:
            await settling

    async def call(self, exchange: Exchange) -> Ruling:
        """A call from its beginning to its end."""
        reservation = self.open(exchange)
        ruling = await self.admit(reservation)
        if ruling.granted:
            reservation.answered = exchange.status
            await self.settle(reservation, exchange)
        return ruling


async def ruled(ruling: Any) -> Ruling:
    return ruling if isinstance(ruling, Ruling) else await ruling


def asking(*, body_bytes: int = 1000, maximum: int | None = 100, **changes: Any) -> Exchange:
    """A call that reads at most `body_bytes` tokens and writes at most `maximum`."""
    exchange = make_exchange(**changes)
    parameters = {} if maximum is None else {"max_tokens": maximum}
    return replace(exchange, request=replace(exchange.request, body_bytes=body_bytes, parameters=parameters))


def used(exchange: Exchange, input_tokens: int | None, output_tokens: int | None) -> Exchange:
    """The same call when it has ended, having used so much."""
    assert exchange.response is not None
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return replace(exchange, response=replace(exchange.response, usage=usage))
