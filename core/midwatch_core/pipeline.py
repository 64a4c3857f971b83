"""A journalled exchange's way: decoded, priced, reviewed, threaded, remarked on, stored, told. It reads the journal."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from midwatch_core.breaker import Breaker
from midwatch_core.errors import MidwatchError, StorageError
from midwatch_core.frame import FrameDecoder, FrameError
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import TraceRepository
from midwatch_core.remarking import METRICS as REMARKING
from midwatch_core.remarking import Remarker
from midwatch_core.reviewing import NOTHING_ASKED, Awaited, Reviewer
from midwatch_core.storing import METRICS as STORING
from midwatch_core.storing import Patience, Storer, sleep
from midwatch_core.threads import Threader

logger = logging.getLogger(__name__)

METRICS = (
    MetricSpec(name="midwatch_stored_total", kind=MetricKind.COUNTER, help="Exchanges stored"),
    MetricSpec(
        name="midwatch_dead_letters_total", kind=MetricKind.COUNTER, help="Frames set aside after three failures"
    ),
    *STORING,
    *REMARKING,
)
# A frame that fails this often goes to the dead letters.
_TRIES = 3


class ReviewError(MidwatchError):
    """An exchange that could not be inspected and masked."""


class Entry(Protocol):
    """One frame of the journal and its position there."""

    @property
    def payload(self) -> bytes:
        """The frame."""
        ...

    @property
    def position(self) -> Any:
        """Where it ends in the journal; meant for the journal alone."""
        ...


class Source(Protocol):
    """The journal as the pipeline sees it: `midwatch_journal.JournalReader` is one."""

    def poll(self, max_frames: int = ..., max_bytes: int = ...) -> list[Any]:
        """The next entries; empty when there are none now."""
        ...

    def acknowledge(self, positions: Iterable[Any]) -> None:
        """These are kept elsewhere now."""
        ...

    def dead_letter(self, entry: Any, reason: str) -> bool:
        """Set a frame aside that can't be kept; False where even that could not be written."""
        ...


# How long a look at whether somebody still waits is apart from the next.
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Sizes and seconds of the pipeline's loop. Small batches keep the loop responsive while it stores.

    `give_way_s`: so long at most a batch waits for senders that wait for us; what they send is in the journal then.
    `models_s`, and `models_behind_s` for a batch that was not the journal's last: so long it waits for models.
    """

    batch_frames: int = 100
    batch_bytes: int = 4 * 1024 * 1024
    idle_s: float = 0.05
    give_way_s: float = 1.0
    models_s: float = 2.0
    models_behind_s: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A frame that was read, and the models that were asked about it."""

    entry: Entry
    exchange: Exchange
    awaited: Awaited


class Pipeline:
    """Takes frames from the journal and sees them into the store: nothing is acknowledged before it is kept.

    While the breaker is open nothing is taken and nothing tried: the journal keeps.
    """

    def __init__(
        self,
        source: Source,
        traces: TraceRepository,
        plugins: Plugins,
        metrics: Metrics,
        *,
        stored: Callable[[Sequence[Exchange]], None],
        reviewer: Reviewer | None = None,
        breaker: Breaker | None = None,
        pace: Pace = Pace(),
        patience: Patience | None = None,
        threader: Threader | None = None,
        awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        """`awaited` tells whether a sender waits for this process: it is served before what is in the journal."""
        self._source = source
        self._awaited = awaited
        self._patience = patience or Patience()
        self._storer = Storer(traces, metrics, breaker=breaker or Breaker(), patience=self._patience)
        self._plugins = plugins
        self._metrics = metrics
        self._stored = stored
        self._reviewer = reviewer
        self._remarker = Remarker(plugins, metrics)
        self.threader = threader or Threader()
        self._pace = pace
        self._decoder = FrameDecoder()
        self._drained = asyncio.Condition()
        self._rounds = 0

    @property
    def available(self) -> bool:
        """Whether the store took, or refused, the last batch: False while it can't be reached."""
        return self._storer.available

    @property
    def breaker(self) -> Breaker:
        """The store's breaker."""
        return self._storer.breaker

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set and the journal is empty, or the store away."""
        self._storer.report()
        while True:
            entries = self._source.poll(self._pace.batch_frames, self._pace.batch_bytes)
            kept = not entries or await self.take(entries, stopping)
            if kept and self._was_last(entries):
                await self._round_done()
            if not entries:
                if stopping.is_set():
                    return
                await sleep(self._pace.idle_s, stopping)
            elif stopping.is_set() and not self.available:
                return

    async def caught_up(self, timeout_s: float) -> bool:
        """Wait until everything that was journalled before this call is stored; False when that takes too long."""
        wanted = self._rounds + 2  # the round under way may have polled before this call
        try:
            async with asyncio.timeout(timeout_s), self._drained:
                await self._drained.wait_for(lambda: self._rounds >= wanted)
        except TimeoutError:
            return False
        return True

    async def take(self, entries: Sequence[Entry], stopping: asyncio.Event) -> bool:
        """See one batch through: store and acknowledge, or set aside what can't be stored.

        False where we are told to stop while the store is unavailable: then the batch stays in the journal.
        """
        exchanges: list[Exchange] = []
        readable: list[Entry] = []
        unreadable: list[tuple[Entry, str]] = []
        patience_s = self._pace.give_way_s
        for item in await self._opened(entries, unreadable):
            await asyncio.sleep(0)  # console, workers and streams are answered in between: each message takes a turn
            patience_s = await self._give_way(patience_s, stopping)
            try:
                exchanges.append(await self.reviewed(item.exchange, item.awaited))
                readable.append(item.entry)
            except ReviewError as error:
                unreadable.append((item.entry, str(error)))
        complete = [self._remarker.remarked(exchange) for exchange in self.threaded(exchanges)]
        kept = await self._store(readable, complete, stopping)
        if kept:
            for entry, reason in unreadable:
                self._set_aside(entry, reason)
            self._source.acknowledge(entry.position for entry in entries)
        return kept

    async def _opened(self, entries: Sequence[Entry], unreadable: list[tuple[Entry, str]]) -> list[_Opened]:
        """The frames that can be read, all of their texts on their way to models before the first is reviewed."""
        last = self._was_last(entries)
        patience_s = self._pace.models_s if last else self._pace.models_behind_s
        opened: list[_Opened] = []
        for entry in entries:
            await asyncio.sleep(0)
            try:
                exchange = self.priced(self._decoder.decode(entry.payload))
            except FrameError as error:
                unreadable.append((entry, str(error)))
            else:
                opened.append(_Opened(entry=entry, exchange=exchange, awaited=self._asked(exchange, patience_s)))
        return opened

    def _asked(self, exchange: Exchange, patience_s: float) -> Awaited:
        """The models that were asked about it; none where they can't be, for the record goes on without them."""
        if self._reviewer is None:
            return NOTHING_ASKED
        return self._plugins.guard.value("pipeline.models", self._reviewer.ask, exchange, patience_s) or NOTHING_ASKED

    async def _give_way(self, patience_s: float, stopping: asyncio.Event) -> float:
        """Wait while senders wait for this process, at most so many seconds; what is left of them."""
        while patience_s > 0 and self._awaited() and not stopping.is_set():
            await sleep(_LOOK_S, stopping)
            patience_s -= _LOOK_S
        return patience_s

    async def reviewed(self, exchange: Exchange, awaited: Awaited) -> Exchange:
        """The exchange inspected and masked; as it is where there is nobody to do it.

        Raises ReviewError: what can't be masked must not be stored, and its neighbours must not wait for it.
        """
        if self._reviewer is None:
            return exchange
        outcome = await self._plugins.guard.wait("pipeline.review", self._reviewer.review, exchange, awaited)
        if not outcome.ok:
            raise ReviewError(f"not reviewed: {type(outcome.error).__name__}: {outcome.error}"[:500])
        reviewed: Exchange = outcome.value
        return reviewed

    def threaded(self, exchanges: Sequence[Exchange]) -> list[Exchange]:
        """The exchanges with their places in their conversations, in the order in which they came.

        They are threaded in the order in which they began: workers write journals of their own.
        """
        threaded: dict[str, Exchange] = {}
        for exchange in sorted(exchanges, key=lambda exchange: exchange.started_at):
            threaded[exchange.id] = (
                self._plugins.guard.value("pipeline.thread", self.threader.thread, exchange) or exchange
            )
        return [threaded[exchange.id] for exchange in exchanges]

    def priced(self, exchange: Exchange) -> Exchange:
        """The exchange with its cost, or with why there is none."""
        if exchange.cost is not None:
            return exchange
        outcome = self._plugins.call_first("price", exchange=exchange)
        cost = outcome.value if outcome else None
        return replace(exchange, cost=cost if isinstance(cost, Cost) else Cost(reason="no plugin priced it"))

    async def _store(self, entries: Sequence[Entry], exchanges: Sequence[Exchange], stopping: asyncio.Event) -> bool:
        """Store a batch, each alone where it is refused. False only where we are told to stop meanwhile."""
        if not exchanges:
            return True
        try:
            return await self._put(exchanges, stopping)
        except StorageError as error:
            logger.error("a batch of %d was refused: %s", len(exchanges), error)
        # One frame the store refuses must not hold up its neighbours.
        for entry, exchange in zip(entries, exchanges, strict=True):
            if not await self._store_alone(entry, exchange, stopping):
                return False
        return True

    async def _store_alone(self, entry: Entry, exchange: Exchange, stopping: asyncio.Event) -> bool:
        reason = ""
        for attempt in range(_TRIES):
            if attempt:
                await sleep(self._patience.retry_s, stopping)
            try:
                return await self._put([exchange], stopping)
            except StorageError as error:
                reason = str(error)
        self._set_aside(entry, reason)
        return True

    async def _put(self, exchanges: Sequence[Exchange], stopping: asyncio.Event) -> bool:
        """Store, and tell. False only where we are told to stop meanwhile. Raises StorageError for a refusal."""
        kept = await self._storer.put(exchanges, stopping)
        if kept:
            self._tell(exchanges)
        return kept

    def _tell(self, exchanges: Sequence[Exchange]) -> None:
        self._metrics.add("midwatch_stored_total", len(exchanges))
        self._stored(exchanges)

    def _set_aside(self, entry: Entry, reason: str) -> None:
        self._metrics.add("midwatch_dead_letters_total")
        kept = self._source.dead_letter(entry, reason)
        logger.error("a frame %s: %s", "went to the dead letters" if kept else "is lost, dead letters too", reason)

    def _was_last(self, entries: Sequence[Entry]) -> bool:
        """Whether a poll gave all there was: a batch that is not full was the journal's last."""
        full = sum(len(entry.payload) for entry in entries) >= self._pace.batch_bytes
        return len(entries) < self._pace.batch_frames and not full

    async def _round_done(self) -> None:
        """All that was in the journal at the last poll is stored."""
        async with self._drained:
            self._rounds += 1
            self._drained.notify_all()
