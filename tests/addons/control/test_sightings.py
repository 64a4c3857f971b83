"""The inventory in control: stored once, acknowledged when it is, kept while the store is away, forgotten in time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.control.sightings import SightingStore, forget_old_sightings
from midwatch_core.clock import SystemClock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.ports import Scope
from midwatch_core.sighting_rows import sighting_row
from midwatch_memory.metadata import MemoryMetadata

AT = datetime(2026, 11, 26, tzinfo=UTC)


class Failing(MemoryMetadata):
    """The memory store, failing where a test wants that."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: StorageError | None = None
        self.largest = 0

    async def sight(self, sightings: Sequence[Sighting]) -> None:
        if self.failure is not None:
            raise self.failure
        self.largest = max(self.largest, len(sightings))
        await super().sight(sightings)


class Desk:
    """The store of sightings, what it keeps, and what a worker hears."""

    def __init__(self) -> None:
        self.metadata = Failing()
        self.store = SightingStore(self.metadata)
        self.heard: list[str] = []

    async def reply(self, message: Mapping[str, Any]) -> None:
        assert message["op"] == "sighted"
        self.heard.append(message["id"])

    def take(self, *batches: Mapping[str, Any]) -> None:
        self.store.take(batches, self.reply)

    async def kept(self) -> list[tuple[str | None, int]]:
        lines = await self.metadata.sightings(Scope(), limit=10_000)
        return [(line.client, line.connections) for line in lines]


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.metadata.start()
    return made


def row(client: str = "10.0.0.7", **changes: Any) -> dict[str, Any]:
    one = Sighting(
        host="claude.ai",
        tenant="default",
        seen=Seen.SNI,
        client=client,
        first_at=AT,
        last_at=AT,
        connections=1,
    )
    return {**sighting_row(one), **changes}


def batch(name: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "rows": list(rows or (row(),))}


async def test_a_batch_is_stored_then_acknowledged(desk: Desk) -> None:
    desk.take(batch("1"), batch("2", row("10.0.0.8"), row()))
    assert desk.heard == []
    assert await desk.store.store()
    assert desk.heard == ["1", "2"]
    assert sorted(await desk.kept()) == [("10.0.0.7", 2), ("10.0.0.8", 1)]


async def test_who_ends_waits_until_all_is_stored_and_no_longer_than_its_deadline(desk: Desk) -> None:
    await desk.store.settle(60)  # nothing came
    desk.take(batch("1"))
    await desk.store.settle(0.01)
    assert await desk.kept() == []
    storing = asyncio.create_task(desk.store.run())
    await desk.store.settle(60)
    assert await desk.kept() == [("10.0.0.7", 1)]
    storing.cancel()


async def test_a_batch_that_comes_again_counts_once(desk: Desk) -> None:
    desk.take(batch("1"))
    desk.take(batch("1"))
    await desk.store.store()
    desk.take(batch("1"))
    await desk.store.store()
    assert desk.heard == ["1", "1"]
    assert await desk.kept() == [("10.0.0.7", 1)]


async def test_with_the_store_away_a_batch_waits_as_long_as_it_must(desk: Desk, caplog: Any) -> None:
    desk.metadata.failure = StorageUnavailableError("gone fishing")
    desk.take(batch("1"))
    for _ in range(10):
        assert not await desk.store.store()
    assert desk.heard == []
    assert len([line for line in caplog.messages if "gone fishing" in line]) == 1
    desk.metadata.failure = None
    assert await desk.store.store()
    assert desk.heard == ["1"]
    assert await desk.kept() == [("10.0.0.7", 1)]


async def test_a_batch_that_the_store_refuses_is_given_up_and_the_next_is_stored(desk: Desk, caplog: Any) -> None:
    desk.metadata.failure = StorageError("no such column")
    desk.take(batch("1"))
    for _ in range(4):
        assert not await desk.store.store()
    assert await desk.store.store()
    assert "1 lines of the inventory are lost" in caplog.text
    desk.metadata.failure = None
    desk.take(batch("2"))
    assert await desk.store.store()
    assert desk.heard == ["1", "2"]


async def test_what_waits_is_bounded_and_the_worker_sends_again(desk: Desk) -> None:
    desk.metadata.failure = StorageUnavailableError("away")
    desk.take(*(batch(str(number)) for number in range(100)))
    desk.metadata.failure = None
    await desk.store.store()
    assert desk.heard == [str(number) for number in range(64)]


async def test_large_batches_are_stored_in_small_ones(desk: Desk) -> None:
    desk.take(batch("1", *(row(f"c{number}") for number in range(450))))
    await desk.store.store()
    assert len(await desk.kept()) == 450
    assert desk.metadata.largest == 200


async def test_a_worker_that_is_gone_hinders_nobody(desk: Desk) -> None:
    async def gone(_: Mapping[str, Any]) -> None:
        raise BrokenPipeError

    desk.store.take([batch("1")], gone)
    desk.take(batch("2"))
    assert await desk.store.store()
    assert desk.heard == ["2"]


async def test_what_is_no_sighting_is_left_out(desk: Desk) -> None:
    desk.take(batch("1", row(seen="guessed"), row()), {"rows": []}, {"id": "3", "rows": 7})
    assert await desk.store.store()
    assert await desk.kept() == [("10.0.0.7", 1)]


JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=4), max_size=3)


@given(st.lists(st.dictionaries(st.sampled_from(["id", "rows", "x"]), JUNK, max_size=3), max_size=4))
def test_junk_harms_nobody(batches: list[dict[str, Any]]) -> None:
    async def work() -> None:
        desk = Desk()
        await desk.metadata.start()
        desk.take(*batches)
        assert await desk.store.store()

    asyncio.run(work())


def _given(term: float | None) -> float | None:
    return term


async def test_lines_that_were_not_seen_for_long_are_forgotten(desk: Desk) -> None:
    now = datetime.now(UTC)
    for client, days in (("old", 91), ("new", 89)):
        at = (now - timedelta(days=days)).isoformat()
        desk.take(batch(client, row(client, first_at=at, last_at=at)))
    await desk.store.store()
    for term, left in ((None, 2), (90.0, 1)):
        looking = asyncio.create_task(forget_old_sightings(partial(_given, term), desk.metadata, SystemClock()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        looking.cancel()
        assert len(await desk.kept()) == left
    assert await desk.kept() == [("new", 1)]
