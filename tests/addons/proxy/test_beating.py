"""The heartbeat: numbers to control, reloads back, and a worker that goes on when control does not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from midwatch.control.tally import Tally
from midwatch.lines import LineClient
from midwatch.pinned_file import read_pinned
from midwatch.proxy.beating import Beat
from midwatch_core.metrics import Metrics
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.pins import Pin
from midwatch_core.ports import Scope
from tests.addons.control.conftest import CALLS, Control, open_control, until


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    async with open_control() as made:
        yield made


def counting(control: Control) -> tuple[Beat, Metrics, list[str]]:
    metrics, heard = Metrics(), list[str]()
    metrics.declare([CALLS])
    metrics.add("calls_total", 7)
    worker = Beat(control.client, name="w0", metrics=metrics)
    worker.reload = lambda: heard.append("reload")
    return worker, metrics, heard


def counted(control: Control) -> float:
    return sum(item.values[0] for item in control.tally.samples())


async def test_a_worker_beats_hears_reloads_and_says_when_it_ends(control: Control) -> None:
    worker, metrics, heard = counting(control)
    worker.start()
    await until(lambda: control.tally.living() == ["w0"])
    await control.door.tell_workers({"op": "reload"})
    await until(lambda: heard == ["reload"])
    metrics.add("calls_total", 1)
    await worker.stop()
    await until(lambda: control.tally.living() == [])
    assert counted(control) == 8


async def test_another_ca_is_read_when_control_is_met_when_it_says_so_and_after_a_reload(control: Control) -> None:
    worker, _, heard = counting(control)
    worker.recertify = lambda: heard.append("ca")
    worker.start()
    await until(lambda: heard == ["ca"])  # it may have missed something
    await control.door.tell_workers({"op": "authority"})
    await control.door.tell_workers({"op": "reload"})
    await until(lambda: heard == ["ca", "ca", "reload", "ca"])
    await worker.stop()


async def test_what_it_missed_is_read_once_control_tells_it_of_changes(control: Control) -> None:
    """Not before: what changes between its reading and control's knowing it would never be heard of."""
    worker, _, heard = counting(control)
    worker.readmit = lambda: heard.append("keys")
    worker.repin = lambda: heard.append("pins")
    worker.start()
    await until(lambda: heard == ["keys", "pins"])
    await control.door.tell_workers({"op": "access"})
    await until(lambda: heard == ["keys", "pins", "keys"])
    await worker.stop()
    assert heard == ["keys", "pins", "keys"]


@pytest.mark.parametrize(
    ("ours", "told", "heard_of"),
    [(7, 8, ["reload", "keys"]), (8, 8, ["keys"]), (9, 8, ["keys"]), (0, 8, ["keys"]), (7, 0, ["keys"])],
    ids=["later", "the same", "earlier", "ours of no snapshot", "control's of none"],
)
async def test_settings_of_a_reload_that_it_missed_are_read_when_control_is_met(
    control: Control, ours: int, told: int, heard_of: list[str]
) -> None:
    """Control had written them before it knew of this worker, which began with those before."""
    control.stamp = told
    worker, _, heard = counting(control)
    worker.stamp = lambda: ours
    worker.readmit = lambda: heard.append("keys")
    worker.start()
    await until(lambda: "keys" in heard)
    await worker.stop()
    assert heard == heard_of


async def test_a_worker_finds_a_new_control(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch.proxy.beating._RETRY_S", 0.01)
    worker, _, heard = counting(control)
    worker.start()
    await until(lambda: control.tally.living() == ["w0"])
    await control.door.close()
    control.tally = Tally(control.metrics)
    heir = control.new_door()
    await heir.start(control.path)
    await until(lambda: control.tally.living() == ["w0"])
    await heir.tell_workers({"op": "reload"})
    await until(lambda: heard == ["reload"])
    await worker.stop()
    await heir.close()


async def test_sightings_arrive_and_are_acknowledged_when_they_are_stored(control: Control) -> None:
    worker, _, _ = counting(control)
    at = datetime(2026, 11, 26, tzinfo=UTC)
    one = Sighting(host="claude.ai", tenant="default", seen=Seen.SNI, first_at=at, last_at=at, connections=1)
    worker.sightings.add(one)
    storing = asyncio.create_task(control.sightings.run())
    worker.start()
    async with asyncio.timeout(60):
        while not await control.metadata.sightings(Scope(), limit=10):
            await asyncio.sleep(0.002)
    await until(lambda: not worker.sightings.due(last=True))  # nothing is under way any more
    worker.sightings.add(one)
    await worker.stop()
    async with asyncio.timeout(60):
        while [line.connections for line in await control.metadata.sightings(Scope(), limit=10)] != [2]:
            await asyncio.sleep(0.002)
    storing.cancel()


async def test_what_was_seen_before_control_had_started_arrives_at_the_end(control: Control) -> None:
    """A short command is over sooner than that."""
    await control.door.close()
    worker, _, _ = counting(control)
    at = datetime(2026, 11, 26, tzinfo=UTC)
    worker.sightings.add(Sighting(host="claude.ai", tenant="default", seen=Seen.SNI, first_at=at, last_at=at, calls=1))
    worker.start()
    leaving = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.1)
    assert not leaving.done()
    heir = control.new_door()
    await heir.start(control.path)
    storing = asyncio.create_task(control.sightings.run())
    await leaving
    async with asyncio.timeout(60):
        while not await control.metadata.sightings(Scope(), limit=10):
            await asyncio.sleep(0.002)
    storing.cancel()
    await heir.close()


async def test_a_pinned_client_is_told_and_all_workers_read_it(control: Control) -> None:
    pin = Pin(client="10.0.0.7", host="h", fingerprint="f", until=datetime.now(UTC) + timedelta(hours=1))
    (one, _, _), (two, _, _) = counting(control), counting(control)
    one.pins = lambda: [pin]
    heard: list[str] = []
    one.repin, two.repin = lambda: heard.append("one"), lambda: heard.append("two")
    two.start()
    await until(lambda: heard == ["two"])  # once at first, for it may have missed something
    one.start()
    await until(lambda: heard.count("two") > 1 and heard.count("one") > 1)
    assert read_pinned(control.home).all() == [pin]
    await one.stop()
    await two.stop()


async def test_a_worker_without_control_ends_in_order(tmp_path: Path) -> None:
    worker = Beat(LineClient(tmp_path / "nosuch.sock"), name="w0", metrics=Metrics())
    await worker.stop()
    worker.start()
    await asyncio.sleep(0)
    await worker.stop()


async def test_what_control_should_not_say_costs_a_connection_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch.proxy.beating._RETRY_S", 0.01)
    connections = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readline()
        writer.write(b"{nonsense\n")
        await reader.read()
        writer.close()

    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    server = await asyncio.start_unix_server(babble, "control.sock")
    worker = Beat(LineClient(Path("control.sock")), name="w0", metrics=Metrics())
    worker.start()
    await until(lambda: connections >= 3)
    await worker.stop()
    server.close()
