"""Putting batches into the store: a breaker before each try, a deadline for it, patience after; never past a stop."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch_core.breaker import STORE, Breaker, BreakerState
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import TraceRepository

logger = logging.getLogger(__name__)

BREAKER = "midwatch_breaker"
METRICS = (
    MetricSpec(
        name="midwatch_store_failures_total", kind=MetricKind.COUNTER, help="Attempts to store a batch that failed"
    ),
    MetricSpec(name="midwatch_store_available", kind=MetricKind.GAUGE, help="Whether the store takes batches"),
    MetricSpec(
        name=BREAKER,
        kind=MetricKind.GAUGE,
        help="Breakers: 0 closed, 1 half-open, 2 open",
        labels=("part",),
    ),
)
# A store that is told to drop a call has so long to do it; then the call is left to itself.
_LETTING_GO_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: between tries at first and at most, for one try, and for one that is under way when we are to stop."""

    retry_s: float = 0.5
    retry_limit_s: float = 10.0
    deadline_s: float = 30.0
    stop_s: float = 3.0


class Storer:
    """Sees batches into a store that may be away for hours, or answer nothing at all.

    A try without an answer in time counts as a store that is unavailable. What became of it is not known, so the same
    batch is put again: a store leaves an exchange whose id it has as it is. `now` never steps back.
    """

    def __init__(
        self,
        traces: TraceRepository,
        metrics: Metrics,
        *,
        breaker: Breaker,
        patience: Patience = Patience(),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._traces = traces
        self._metrics = metrics
        self._patience = patience
        self._now = now
        self.breaker = breaker
        self.available = True

    def report(self) -> None:
        """Set the gauges."""
        self._metrics.set("midwatch_store_available", float(self.available))
        self._metrics.set(BREAKER, self.breaker.state.level, (STORE,))

    async def put(self, exchanges: Sequence[Exchange], stopping: asyncio.Event) -> bool:
        """Store; wait out an unavailable store, but not a stop: False then. Raises StorageError for a refusal."""
        delay_s = self._patience.retry_s
        while True:
            if self.breaker.allows(self._now()) and await self._try(exchanges, stopping):
                return True
            if stopping.is_set():
                return False
            if self.breaker.state is BreakerState.OPEN:
                delay_s = self._patience.retry_s
                await sleep(self.breaker.wait_s(self._now()), stopping)
            else:
                await sleep(delay_s, stopping)
                delay_s = min(delay_s * 2, self._patience.retry_limit_s)

    async def _try(self, exchanges: Sequence[Exchange], stopping: asyncio.Event) -> bool:
        """One try; whether it went well. Raises StorageError for a refusal: that is an answer too."""
        try:
            await self._answered(asyncio.ensure_future(self._traces.put(exchanges)), stopping)
        except StorageUnavailableError as error:
            self._failed(error)
            return False
        except StorageError:
            self._metrics.add("midwatch_store_failures_total")
            self._succeeded()
            raise
        self._succeeded()
        return True

    async def _answered(self, put: "asyncio.Future[None]", stopping: asyncio.Event) -> None:
        """Wait for the store's answer, not for ever. Raises StorageUnavailableError where none comes in time."""
        stop = asyncio.ensure_future(stopping.wait())
        awaited: set[asyncio.Future[Any]] = {put, stop}
        try:
            await asyncio.wait(awaited, timeout=self._patience.deadline_s, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                await asyncio.wait({put}, timeout=self._patience.stop_s)
            if put.done():
                return await put
        finally:
            stop.cancel()
            put.cancel()  # nothing, where it is done
        put.add_done_callback(_look_away)
        await asyncio.wait({put}, timeout=_LETTING_GO_S)
        raise StorageUnavailableError("the store did not answer in time")

    def _failed(self, error: StorageUnavailableError) -> None:
        self._metrics.add("midwatch_store_failures_total")
        if self.available:
            logger.error("the store is unavailable, the journal keeps: %s", error)
        self.available = False
        before = self.breaker.state
        self.breaker.failed(self._now())
        if self.breaker.state is BreakerState.OPEN and before is BreakerState.CLOSED:
            logger.error("the store is left alone for a while: %d failures in a row", self.breaker.in_a_row)
        self.report()

    def _succeeded(self) -> None:
        if not self.available:
            logger.warning("the store is available again")
        self.available = True
        self.breaker.succeeded()
        self.report()


def _look_away(put: "asyncio.Future[None]") -> None:
    """What a call says that nobody waits for any more is nobody's error."""
    if not put.cancelled():
        put.exception()


async def sleep(seconds: float, stopping: asyncio.Event) -> None:
    """Sleep, but not through a stop."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
    else:
        await asyncio.sleep(min(seconds, 0.01))
