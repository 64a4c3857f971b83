"""The pipeline: nothing is acknowledged before it is kept, an absent store is waited for, what is bad goes aside."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from midwatch_core.breaker import Breaker, BreakerState
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.frame import encode
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.pipeline import METRICS, Pace, Pipeline
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.storing import Patience
from midwatch_core.testing.factories import conversation, make_exchange
from midwatch_core.threads import Threader
from midwatch_memory.traces import MemoryTraces

PACE = Pace(batch_frames=10, batch_bytes=1 << 20, idle_s=0.001, give_way_s=0.02)
PATIENCE = Patience(retry_s=0.001, retry_limit_s=0.002, deadline_s=60.0, stop_s=0.01)
AWAY = StorageUnavailableError("away")


@dataclass(frozen=True)
class Frame:
    payload: bytes
    position: int


@dataclass
class Shelf:
    """A journal in memory."""

    frames: deque[Frame] = field(default_factory=deque)
    acknowledged: list[int] = field(default_factory=list)
    dead: list[tuple[int, str]] = field(default_factory=list)
    keeps_dead: bool = True
    count: int = 0

    def add(self, *payloads: bytes) -> None:
        for payload in payloads:
            self.count += 1
            self.frames.append(Frame(payload, self.count))

    def poll(self, max_frames: int = 500, max_bytes: int = 1 << 20) -> list[Frame]:
        return [self.frames.popleft() for _ in range(min(max_frames, len(self.frames)))]

    def acknowledge(self, positions: Iterable[int]) -> None:
        self.acknowledged += positions

    def dead_letter(self, entry: Frame, reason: str) -> bool:
        self.dead.append((entry.position, reason))
        return self.keeps_dead


class MoodyTraces(MemoryTraces):
    """A store that raises what it is told to, for each attempt one; and refuses some exchanges always."""

    def __init__(self) -> None:
        super().__init__()
        self.moods: deque[StorageError | None] = deque()
        self.refused: set[str] = set()
        self.attempts = 0
        self.freezes = 0

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        self.attempts += 1
        if self.freezes:  # what was sent may well arrive
            self.freezes -= 1
            await super().put(exchanges)
            await asyncio.Event().wait()
        mood = self.moods.popleft() if self.moods else None
        if mood is not None:
            raise mood
        if self.refused & {exchange.id for exchange in exchanges}:
            raise StorageError("a text has a NUL")
        await super().put(exchanges)


class Priced:
    @hookimpl
    def price(self, exchange: Exchange) -> Cost:
        return Cost(amount=Decimal(1), source="a test")


class House:
    def __init__(self, *plugins: type, breaker: Breaker | None = None, patience: Patience = PATIENCE) -> None:
        self.shelf = Shelf()
        self.traces = MoodyTraces()
        self.plugins = Plugins()
        for plugin in plugins:
            self.plugins.add(plugin.__name__, lambda plugin=plugin: plugin)  # type: ignore[misc]
        self.plugins.activate({})
        self.metrics = Metrics()
        self.metrics.declare(METRICS)
        self.told: list[str] = []
        self.awaited = False
        self.stopping = asyncio.Event()
        self.pipeline = Pipeline(
            self.shelf,
            self.traces,
            self.plugins,
            self.metrics,
            stored=self._stored,
            breaker=breaker,
            pace=PACE,
            patience=patience,
            awaited=lambda: self.awaited,
        )

    def _stored(self, exchanges: Sequence[Exchange]) -> None:
        self.told += [exchange.id for exchange in exchanges]

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.pipeline.run(self.stopping))

    async def end(self, running: asyncio.Task[None]) -> None:
        self.stopping.set()
        async with asyncio.timeout(120):
            await running

    def counted(self, name: str) -> float:
        return sum(item.values[0] for item in self.metrics.samples() if item.name == name)

    async def kept(self) -> set[str]:
        page = await self.traces.list(Scope(), ExchangeFilter(), limit=1000)
        return {row.id for row in page.rows}


@pytest.fixture
async def house() -> House:
    made = House(Priced)
    await made.traces.start()
    return made


def frames(exchanges: Iterable[Exchange]) -> list[bytes]:
    return [encode(exchange) for exchange in exchanges]


async def test_all_that_is_journalled_is_priced_kept_told_and_acknowledged(house: House) -> None:
    sent = [make_exchange(cost=None) for _ in range(35)]
    house.shelf.add(*frames(sent))
    running = house.start()
    assert await house.pipeline.caught_up(120)
    await house.end(running)
    assert await house.kept() == set(house.told) == {exchange.id for exchange in sent}
    assert house.shelf.acknowledged == list(range(1, 36))
    exchange = await house.traces.get(Scope(), sent[0].id)
    assert exchange is not None
    assert exchange.cost == Cost(amount=Decimal(1), source="a test")
    assert (house.counted("midwatch_stored_total"), house.counted("midwatch_store_available")) == (35, 1)


async def test_senders_that_wait_are_served_first_and_hold_nothing_up_for_good(house: House) -> None:
    house.awaited = True
    house.shelf.add(*frames(make_exchange() for _ in range(10)))
    running = house.start()
    assert not house.told
    assert await house.pipeline.caught_up(120)
    assert len(house.told) == 10
    await house.end(running)


async def test_a_stop_comes_after_the_journal_is_empty(house: House) -> None:
    house.shelf.add(*frames(make_exchange() for _ in range(35)))
    house.stopping.set()
    await house.end(house.start())
    assert len(await house.kept()) == 35


async def test_a_batch_is_threaded_in_the_order_in_which_its_calls_began(house: House) -> None:
    talk = [replace(exchange, trace_id=exchange.id) for exchange in conversation(4, characters=10)]
    house.shelf.add(*frames(reversed(talk)))
    house.stopping.set()
    await house.end(house.start())
    assert house.told == [exchange.id for exchange in reversed(talk)]
    rows = (await house.traces.list(Scope(), ExchangeFilter(trace_id=talk[0].id), limit=10)).rows
    assert [row.parent_id for row in reversed(rows)] == [None, *(exchange.id for exchange in talk[:-1])]


async def test_an_exchange_that_can_not_be_threaded_is_kept_as_it_is(house: House) -> None:
    class Tangled(Threader):
        def thread(self, exchange: Exchange) -> Exchange:
            raise RecursionError("a knot")

    house.pipeline.threader = Tangled()
    house.shelf.add(*frames([make_exchange()]))
    house.stopping.set()
    await house.end(house.start())
    assert len(await house.kept()) == 1
    assert house.plugins.guard.records["pipeline.thread"].failures == 1


async def test_plugins_remark_on_calls_that_are_priced_and_threaded_in_the_order_of_the_journal() -> None:
    seen: list[Exchange] = []

    class Remarking:
        """Says of each call which one it is, and stumbles over the second."""

        @hookimpl
        def review(self, exchange: Exchange) -> list[Finding]:
            seen.append(exchange)
            if len(seen) == 2:
                raise KeyError("the second")
            return [
                Finding(
                    id="",
                    rule=f"own/{len(seen)}",
                    category="anomaly",
                    severity=Severity.LOW,
                    confidence=1.0,
                    message="Another call",
                )
            ]

    house = House(Priced, Remarking)
    await house.traces.start()
    talk = [replace(exchange, trace_id=exchange.id, cost=None) for exchange in conversation(3, characters=10)]
    house.shelf.add(*frames(talk))
    house.stopping.set()
    await house.end(house.start())
    assert [exchange.id for exchange in seen] == [exchange.id for exchange in talk]
    assert {exchange.trace_id for exchange in seen} == {talk[0].id}
    assert all(exchange.cost == Cost(amount=Decimal(1), source="a test") for exchange in seen)
    kept = [await house.traces.get(Scope(), exchange.id) for exchange in talk]
    assert [[item.rule for item in exchange.findings] for exchange in kept if exchange] == [["own/1"], [], ["own/3"]]
    assert house.counted("midwatch_findings_total") == 2


async def test_a_price_that_is_there_stays_and_none_has_a_reason() -> None:
    exchange = make_exchange(cost=Cost(amount=Decimal(2), source="the worker"))
    assert House(Priced).pipeline.priced(exchange) is exchange
    assert House().pipeline.priced(make_exchange(cost=None)).cost == Cost(reason="no plugin priced it")


async def test_a_frame_that_is_none_goes_aside_and_its_neighbours_are_kept(house: House) -> None:
    good = [make_exchange(), make_exchange()]
    first, last = frames(good)
    house.shelf.add(first, b"not a frame", last)
    await house.pipeline.take(house.shelf.poll(), house.stopping)
    assert await house.kept() == {exchange.id for exchange in good}
    assert [position for position, _ in house.shelf.dead] == [2]
    assert house.shelf.acknowledged == [1, 2, 3]
    assert house.counted("midwatch_dead_letters_total") == 1


async def test_a_frame_the_store_refuses_goes_aside_after_three_tries(house: House) -> None:
    good, bad, other = make_exchange(), make_exchange(), make_exchange()
    house.traces.refused = {bad.id}
    house.shelf.add(*frames([good, bad, other]))
    await house.pipeline.take(house.shelf.poll(), house.stopping)
    assert await house.kept() == {good.id, other.id} == set(house.told)
    assert house.shelf.dead == [(2, "a text has a NUL")]
    assert house.shelf.acknowledged == [1, 2, 3]
    assert house.traces.attempts == 1 + 1 + 3 + 1


async def test_a_dead_letter_that_cannot_be_kept_does_not_stop_the_queue(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.shelf.keeps_dead = False
    house.shelf.add(b"not a frame", *frames([make_exchange()]))
    await house.pipeline.take(house.shelf.poll(), house.stopping)
    assert house.shelf.acknowledged == [1, 2]
    assert "is lost" in caplog.text


async def test_a_store_that_is_away_is_waited_for(house: House) -> None:
    house.traces.moods.extend([StorageUnavailableError("database is locked")] * 5)
    house.shelf.add(*frames([make_exchange()]))
    running = house.start()
    assert await house.pipeline.caught_up(120)
    await house.end(running)
    assert house.shelf.acknowledged == [1]
    assert house.pipeline.available
    assert house.counted("midwatch_store_failures_total") == 5


async def test_one_that_goes_away_while_frames_are_stored_singly_loses_none(house: House) -> None:
    bad, good = make_exchange(), make_exchange()
    away = StorageUnavailableError("disk full")
    house.traces.moods.extend([StorageError("refused"), *[away] * 5])
    house.shelf.add(*frames([bad, good]))
    running = house.start()
    assert await house.pipeline.caught_up(120)
    await house.end(running)
    assert await house.kept() == {bad.id, good.id}
    assert house.shelf.dead == []


async def test_a_stop_while_the_store_is_away_leaves_all_in_the_journal(house: House) -> None:
    house.traces.moods.extend([StorageUnavailableError("away")] * 100_000)
    house.shelf.add(*frames(make_exchange() for _ in range(15)))
    running = house.start()
    while house.pipeline.available:
        await asyncio.sleep(0.001)
    assert not await house.pipeline.caught_up(0.02)
    await house.end(running)
    assert house.shelf.acknowledged == []
    assert house.counted("midwatch_store_available") == 0


async def test_caught_up_does_not_wait_for_a_pause_in_the_traffic(house: House) -> None:
    """Under load the journal is never empty, but what was journalled before the question is soon stored."""

    async def traffic() -> None:
        while not house.stopping.is_set():
            house.shelf.add(*frames([make_exchange()]))
            await asyncio.sleep(0)

    running, sending = house.start(), asyncio.create_task(traffic())
    before = make_exchange()
    house.shelf.add(*frames([before]))
    assert await house.pipeline.caught_up(120)
    assert before.id in house.told
    await house.end(running)
    await sending


def breaker_gauge(house: House) -> float:
    return next(item.values[0] for item in house.metrics.samples() if item.name == "midwatch_breaker")


async def opened_house(open_s: float) -> tuple[House, asyncio.Task[None]]:
    """A house whose store failed twice in a row, and is left alone now."""
    house = House(breaker=Breaker(failures=2, open_s=open_s, probes=3))
    await house.traces.start()
    house.traces.moods.extend([AWAY, AWAY])
    house.shelf.add(*frames(make_exchange() for _ in range(45)))
    running = house.start()
    async with asyncio.timeout(120):
        while house.pipeline.breaker.state is not BreakerState.OPEN:
            await asyncio.sleep(0.001)
    return house, running


async def test_a_store_that_fails_too_often_is_left_alone_and_the_journal_keeps() -> None:
    house, running = await opened_house(open_s=3600)
    assert (breaker_gauge(house), house.counted("midwatch_store_available")) == (2, 0)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert house.traces.attempts == 2
    assert (len(house.shelf.frames), house.shelf.acknowledged) == (35, [])
    await house.end(running)
    assert house.traces.attempts == 2


async def test_three_probes_close_the_breaker_and_all_that_was_journalled_is_stored() -> None:
    house, running = await opened_house(open_s=0.01)
    assert await house.pipeline.caught_up(120)
    assert len(await house.kept()) == 45
    assert (house.pipeline.breaker.state, breaker_gauge(house)) == (BreakerState.CLOSED, 0)
    await house.end(running)


async def test_a_probe_that_fails_opens_the_breaker_again() -> None:
    house, running = await opened_house(open_s=0.01)
    house.traces.moods.extend([None, AWAY, AWAY])
    assert await house.pipeline.caught_up(120)
    await house.end(running)
    # Two that opened it, a good probe, two bad ones, then the other four batches.
    assert house.traces.attempts == 2 + 1 + 2 + 4
    assert len(await house.kept()) == 45


async def test_a_refusal_is_an_answer_and_opens_nothing() -> None:
    house = House(breaker=Breaker(failures=1))
    await house.traces.start()
    bad = make_exchange()
    house.traces.refused = {bad.id}
    house.shelf.add(*frames([bad, make_exchange()]))
    await house.pipeline.take(house.shelf.poll(), house.stopping)
    assert house.pipeline.breaker.state is BreakerState.CLOSED


async def test_a_store_that_never_answers_is_unavailable_and_gets_the_same_batch_again() -> None:
    house = House(patience=replace(PATIENCE, deadline_s=0.3))
    await house.traces.start()
    house.traces.freezes = 2
    sent = [make_exchange() for _ in range(3)]
    house.shelf.add(*frames(sent))
    running = house.start()
    assert await house.pipeline.caught_up(120)
    await house.end(running)
    assert await house.kept() == {exchange.id for exchange in sent}
    assert house.told == [exchange.id for exchange in sent]
    assert (house.traces.attempts, house.counted("midwatch_store_failures_total")) == (3, 2)


async def test_a_stop_does_not_wait_for_a_store_that_never_answers(house: House) -> None:
    house.traces.freezes = 1
    house.shelf.add(*frames([make_exchange()]))
    running = house.start()
    while not house.traces.attempts:
        await asyncio.sleep(0.001)
    await house.end(running)
    assert house.shelf.acknowledged == []
