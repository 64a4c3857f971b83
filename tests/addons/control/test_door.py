"""The door: questions, beats, a tail whose listener leaves; strangers' bytes end their own connection alone."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from midwatch.control.door import Door
from midwatch.control.live import Live
from midwatch.control.tally import Tally
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.proxy.beating import Beat
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.queries import Queries
from midwatch_core.testing.factories import make_exchange
from midwatch_memory.traces import MemoryTraces

CALLS = MetricSpec(name="calls_total", kind=MetricKind.COUNTER, help="Calls")


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.002)


@dataclass
class Control:
    path: Path
    live: Live = field(default_factory=Live)
    metrics: Metrics = field(default_factory=Metrics)
    traces: MemoryTraces = field(default_factory=MemoryTraces)
    reloads: int = 0

    def __post_init__(self) -> None:
        self.metrics.declare([CALLS])
        self.tally = Tally(self.metrics)
        self.client = LineClient(self.path)
        self.door = self.new_door()

    def new_door(self) -> Door:
        return Door(
            queries=Queries(traces=self.traces),
            live=self.live,
            tally=self.tally,
            caught_up=self._caught_up,
            reload=self._reload,
            status=lambda: {"ready": True},
        )

    async def _caught_up(self, timeout_s: float) -> bool:
        return timeout_s > 0

    async def _reload(self) -> None:
        self.reloads += 1


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    with tempfile.TemporaryDirectory(prefix="mw") as folder:  # a socket's path must be short
        made = Control(Path(folder) / "control.sock")
        await made.traces.start()
        await made.traces.put([make_exchange()])
        await made.door.start(made.path)
        yield made
        await made.door.close()


async def test_questions_are_answered_any_number_on_a_line(control: Control) -> None:
    assert control.path.stat().st_mode & 0o777 == 0o600
    assert await control.client.ask({"op": "status"}) == {"ready": True}
    async with control.client.open() as line:
        for question, key in (
            ({"op": "sync"}, "caught_up"),
            ({"op": "reload"}, "reloaded"),
            ({"op": "exchanges"}, "rows"),
        ):
            await line.send(question)
            assert (await line.receive())[key]
        await line.send({"op": "nosuch"})
        assert "no such question" in (await line.receive())["error"]
    assert control.reloads == 1


@pytest.mark.parametrize(
    "data", [b"no json\n", b"[1]\n", b"null\n", b'"beat"\n', b'{"op": "beat"}\n', b"\xff\n", b"half"]
)
async def test_strangers_bytes_end_their_own_connection_alone(control: Control, data: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(control.path)
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert await control.client.ask({"op": "status"}) == {"ready": True}


async def test_a_tail_gets_rows_as_they_are_stored(control: Control) -> None:
    async with control.client.open() as line:
        await line.send({"op": "tail"})
        assert await line.receive() == {"tailing": True}
        sent = [make_exchange(), make_exchange()]
        control.live.publish(sent)
        assert [(await line.receive())["row"]["id"] for _ in sent] == [exchange.id for exchange in sent]


async def test_a_listener_that_leaves_while_no_rows_come_is_let_go(control: Control) -> None:
    async with control.client.open() as line:
        await line.send({"op": "tail"})
        await line.receive()
        assert len(control.live._queues) == 1
    await until(lambda: not control.live._queues and not control.door._open)


async def test_closing_hangs_up_on_all(control: Control) -> None:
    async with control.client.open() as tail, control.client.open() as idle:
        await tail.send({"op": "tail"})
        await tail.receive()
        await control.door.close()
        assert await tail.receive() is None
        assert await idle.receive() is None
    with pytest.raises(ControlAbsentError):
        await control.client.ask({"op": "status"})


async def test_a_socket_left_by_a_dead_control_is_replaced(control: Control) -> None:
    heir = control.new_door()
    await heir.start(control.path)
    assert await control.client.ask({"op": "status"}) == {"ready": True}
    await heir.close()


async def test_no_control_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ControlAbsentError):
        await LineClient(tmp_path / "nosuch.sock").ask({"op": "status"})


async def test_a_control_that_hangs_is_absent(control: Control) -> None:
    async def never(_: float) -> bool:
        await asyncio.sleep(3600)
        return True

    control.door._caught_up = never
    with pytest.raises(ControlAbsentError, match="does not answer"):
        await control.client.ask({"op": "sync"}, timeout_s=0.05)


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


async def test_a_worker_without_control_ends_in_order(tmp_path: Path) -> None:
    worker = Beat(LineClient(tmp_path / "nosuch.sock"), name="w0", metrics=Metrics())
    await worker.stop()
    worker.start()
    await asyncio.sleep(0)
    await worker.stop()


async def test_a_worker_that_is_gone_is_passed_over(control: Control) -> None:
    async with control.client.open() as line:
        await line.send({"op": "beat", "worker": "w9", "pid": 1, "last": False, "metrics": []})
        await until(lambda: control.tally.living() == ["w9"])
    await control.door.tell_workers({"op": "reload"})
    await until(lambda: not control.door._workers)
