"""Taking told calls: made exchanges of and journalled beside the loop, in the order in which they come."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from midwatch.control.intake.batches import Batches
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import Clock
from midwatch_core.frame import encode
from midwatch_core.intake import MAX_BATCH, IntakeError, IntakeFullError, ToldCall
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.telling import Sender, Teller

METRICS = (
    MetricSpec(
        name="midwatch_ingested_total",
        kind=MetricKind.COUNTER,
        help="Calls taken that no proxy saw",
        labels=("source",),
    ),
    MetricSpec(
        name="midwatch_ingest_refused_total",
        kind=MetricKind.COUNTER,
        help="Batches of told calls that were refused",
        labels=("source",),
    ),
)


class JournalIntake:
    """The `Intake` of control. One thread of its own makes, seals and writes: the loop, and the pipeline on it, go on.

    `sender` makes a Sender of a caller and a face. `teller` is asked for each batch: the catalogue may be read anew.
    """

    def __init__(
        self,
        batches: Batches,
        *,
        teller: Callable[[], Teller],
        sender: Callable[[Caller, str], Sender],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._batches = batches
        self._teller = teller
        self._sender = sender
        self._clock = clock
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(1, "midwatch-intake")
        self._closing = False
        self._in_hand = 0

    @property
    def busy(self) -> bool:
        """Whether a batch is being taken: its sender waits."""
        return self._in_hand > 0

    async def take(self, caller: Caller, calls: Sequence[ToldCall], *, source: str) -> Sequence[str]:
        """See `Intake.take`."""
        self._in_hand += 1
        try:
            ids = await self._taken(caller, calls, source)
        except (IntakeError, AccessDeniedError):
            self._metrics.add("midwatch_ingest_refused_total", labels=(source,))
            raise
        finally:
            self._in_hand -= 1
        self._metrics.add("midwatch_ingested_total", len(ids), (source,))
        return ids

    async def close(self) -> None:
        """Write what is under way; what is told later is refused."""
        self._closing = True
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._batches.close)

    async def _taken(self, caller: Caller, calls: Sequence[ToldCall], source: str) -> Sequence[str]:
        if not caller.may(Permission.CALL):
            raise AccessDeniedError(f"the role {caller.role} sends no calls")
        if len(calls) > MAX_BATCH:
            raise IntakeError(f"{len(calls):,} calls in one go; {MAX_BATCH:,} at most")
        if not calls:
            return ()
        if self._closing:
            raise IntakeFullError("Midwatch is ending: send the batch again when it is back")
        sender = self._sender(caller, source)
        # A caller who leaves does not undo it: the batch is one piece of work.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, self._take, calls, sender))

    def _take(self, calls: Sequence[ToldCall], sender: Sender) -> Sequence[str]:
        exchanges = self._teller().exchanges(calls, sender, self._clock.now())
        self._batches.append([encode(exchange) for exchange in exchanges])
        return tuple(exchange.id for exchange in exchanges)
