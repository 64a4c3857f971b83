"""Shipping and export: every event arrives, late or twice rather than never; what never will is counted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from midwatch_compliance.siem.backoff import FIRST_S, LONGEST_S, Backoff
from midwatch_compliance.siem.event import SiemEvent, as_json
from midwatch_compliance.siem.export import Export
from midwatch_compliance.siem.numbers import FAILURES, LOST, METRICS, SENT, WAITING
from midwatch_compliance.siem.positions import PositionFile
from midwatch_compliance.siem.shipping import Shipping
from midwatch_compliance.siem.sinks.sink import SinkError
from midwatch_compliance.siem.spool import Position, Spool
from midwatch_core import Exchange, Metrics
from midwatch_core.testing import make_exchange
from tests.plugins.compliance.conftest import make_finding


@dataclass
class ListSink:
    """Takes events into a list; `failures` are raised first; `refuses` are ids it never takes."""

    name: str = "list"
    took: list[str] = field(default_factory=list)
    failures: list[SinkError] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()

    async def send(self, events: Sequence[SiemEvent]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if any(event.id in self.refuses for event in events):
            raise SinkError("no", refused=True)
        self.took += [event.id for event in events]

    async def close(self) -> None:
        pass


@dataclass
class Sleeps:
    """Does not sleep, and remembers for how long it would have."""

    asked: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


def new_metrics() -> Metrics:
    metrics = Metrics()
    metrics.declare(METRICS)
    return metrics


def told(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return {(sample.name, *sample.labels): sample.values[0] for sample in metrics.samples()}


def call(number: int) -> Exchange:
    return make_exchange(findings=(make_finding(number),))


def event_line(number: int) -> bytes:
    event = SiemEvent(
        id=f"f-{number}",
        kind="finding",
        at="2026-11-23T01:45:00+00:00",
        exchange_id="x",
        trace_id="t",
        tenant="acme",
        severity="low",
        action="flag",
        title="A finding",
        provider="openai",
        host="api.openai.com",
    )
    return orjson.dumps(as_json(event))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path, max_bytes=1_000_000)
    spool.open()
    return spool


def shipping(spool: Spool, folder: Path, sink: ListSink, metrics: Metrics) -> Shipping:
    made = Shipping(sink=sink, spool=spool, places=PositionFile(folder, sink.name), metrics=metrics)
    made.begin()
    return made


async def drained(ship: Shipping) -> list[float]:
    sleeps = Sleeps()
    while await ship.step(sleeps):
        assert len(sleeps.asked) < 50
    return sleeps.asked


async def test_events_go_out_in_order_and_the_place_is_kept(spool: Spool, tmp_path: Path) -> None:
    metrics, sink = new_metrics(), ListSink()
    ship = shipping(spool, tmp_path, sink, metrics)
    spool.append([event_line(number) for number in range(450)])
    assert await drained(ship) == []
    assert sink.took == [f"f-{number}" for number in range(450)]
    assert PositionFile(tmp_path, "list").read() == spool.end
    assert told(metrics)[SENT, "list"] == 450


async def test_a_sink_that_is_new_begins_with_what_comes(spool: Spool, tmp_path: Path) -> None:
    spool.append([event_line(1)])
    sink = ListSink()
    ship = shipping(spool, tmp_path, sink, new_metrics())
    spool.append([event_line(2)])
    await drained(ship)
    assert sink.took == ["f-2"]


async def test_what_failed_is_tried_again_after_longer_and_longer(spool: Spool, tmp_path: Path) -> None:
    metrics = new_metrics()
    sink = ListSink(failures=[SinkError("away"), SinkError("away"), SinkError("later", wait_s=77.0)])
    ship = shipping(spool, tmp_path, sink, metrics)
    spool.append([event_line(1)])
    assert await drained(ship) == [1.0, 2.0, 77.0]
    assert sink.took == ["f-1"]
    assert told(metrics)[FAILURES, "list"] == 3
    assert (LOST, "list", "refused") not in told(metrics)


async def test_of_a_batch_that_is_refused_only_the_event_at_fault_is_left_out(spool: Spool, tmp_path: Path) -> None:
    metrics, sink = new_metrics(), ListSink(refuses=frozenset({"f-3"}))
    ship = shipping(spool, tmp_path, sink, metrics)
    spool.append([event_line(number) for number in range(6)])
    assert await drained(ship) == []
    assert sink.took == ["f-0", "f-1", "f-2", "f-4", "f-5"]
    assert told(metrics)[LOST, "list", "refused"] == 1


async def test_a_death_sends_the_last_batch_again_and_loses_none(spool: Spool, tmp_path: Path) -> None:
    sink = ListSink()
    ship = shipping(spool, tmp_path, sink, new_metrics())
    before = ship.position
    spool.append([event_line(number) for number in range(3)])
    await drained(ship)
    PositionFile(tmp_path, "list").write(before)  # as if it had died before it kept its place
    again = shipping(spool, tmp_path, sink, new_metrics())
    await drained(again)
    assert sink.took == ["f-0", "f-1", "f-2"] * 2


async def test_lines_that_are_no_events_are_counted_and_passed_over(spool: Spool, tmp_path: Path) -> None:
    metrics, sink = new_metrics(), ListSink()
    ship = shipping(spool, tmp_path, sink, metrics)
    spool.append([b"{}", b"no json", b"[]", event_line(1)])
    await drained(ship)
    assert sink.took == ["f-1"]
    assert told(metrics)[LOST, "list", "unreadable"] == 3


def test_backoff_doubles_to_its_bound_and_begins_again() -> None:
    backoff = Backoff()
    assert [backoff.failed() for _ in range(8)] == [FIRST_S, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S]
    assert Backoff().failed(90.0) == 90.0
    assert Backoff().failed(1e9) == 3600.0
    backoff.succeeded()
    assert backoff.failed() == FIRST_S


async def until(sink: ListSink, count: int) -> None:
    async with asyncio.timeout(60):
        while len(sink.took) < count:
            await asyncio.sleep(0.002)


async def test_stored_calls_reach_every_sink(tmp_path: Path) -> None:
    metrics, sinks = new_metrics(), [ListSink("one"), ListSink("two")]
    export = Export(tmp_path, sinks, metrics, max_bytes=1_000_000)
    export.start()
    export.take([call(number) for number in range(5)])
    export.take([make_exchange()])
    for sink in sinks:
        await until(sink, 5)
        assert sink.took == [f"f-{number}" for number in range(5)]
    await export.close()


async def test_what_a_dead_sink_did_not_take_goes_out_after_a_restart(tmp_path: Path) -> None:
    dead = ListSink(failures=[SinkError("away")] * 100)
    export = Export(tmp_path, [dead], new_metrics(), max_bytes=1_000_000)
    export.start()
    export.take([call(1), call(2)])
    await asyncio.sleep(0)
    await export.close()
    alive = ListSink()
    export = Export(tmp_path, [alive], new_metrics(), max_bytes=1_000_000)
    export.start()
    await until(alive, 2)
    await export.close()
    assert alive.took == ["f-1", "f-2"]


async def test_a_sink_that_stays_dead_costs_its_own_oldest_events_alone(tmp_path: Path) -> None:
    metrics = new_metrics()
    dead, alive = ListSink("dead", failures=[SinkError("away")] * 10_000), ListSink("alive")
    export = Export(tmp_path, [dead, alive], metrics, max_bytes=64 * 1024)
    export.start()
    for number in range(400):
        export.take([call(number)])
        if number % 20 == 0:
            await until(alive, number + 1)
    await until(alive, 400)
    await export.close()
    numbers = told(metrics)
    lost = numbers[LOST, "dead", "full"]
    assert 0 < lost < 400
    assert (LOST, "alive", "full") not in numbers
    assert numbers[WAITING, "dead"] <= 64 * 1024 + 2048
    spool = Spool(tmp_path / "siem", max_bytes=64 * 1024)
    spool.open()
    waiting = 0
    place = PositionFile(tmp_path / "siem", "dead").read() or Position()
    while lines := spool.read(place, limit=100):
        waiting, place = waiting + len(lines), lines[-1].after
    assert waiting + lost == 400, "each event is there, or counted as lost"
