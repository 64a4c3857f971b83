"""The supervisor makes of what runs what the snapshot wants, and says how it does. Its children are small programs."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from midwatch.crew.bound_sockets import Sockets, address_of
from midwatch.crew.crew_file import Crew, State, read_crew
from midwatch.crew.supervisor import Supervisor
from midwatch.home import Home, write_private
from midwatch_core.config import Config

PROGRAM = """
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda *_: sys.exit(0))
os.write(int(sys.argv[sys.argv.index("--ready") + 1]), b"1")
while True:
    signal.pause()
"""


class House:
    """A supervisor over a home whose snapshot a test writes."""

    def __init__(self, folder: Path, *, private: bool = False, **settings: Any) -> None:
        self.home = Home(folder / "home")
        self.home.prepare()
        sockets = Sockets.bind(Config(listen="127.0.0.1:0", console="127.0.0.1:0"))
        where = {"listen": address_of(sockets.proxy[0]), "console": address_of(sockets.console)}
        self.config = Config(**{**where, "drain_s": 60, **settings})
        self.want()
        self._console = sockets.console
        self.supervisor = Supervisor(self.home, self.config, sockets, private=private)

    def want(self, *, restart: str = "", stamp: int = 0, **settings: Any) -> None:
        config = self.config.model_copy(update=settings).model_dump(mode="json")
        write_private(self.home.snapshot, orjson.dumps({"config": config, "restart": restart, "stamp": stamp}))

    def crew(self) -> Crew:
        return read_crew(self.home, console=self.config.console)

    async def settled(self, stamp: int = 0) -> Crew:
        """How they do, once that snapshot is what runs, and those who leave have left."""
        await until(lambda: (crew := self.crew()).settled and crew.stamp == stamp and not crew.named(State.LEAVING))
        return self.crew()

    async def end(self) -> int:
        code = await self.supervisor.stop()
        self._console.close()
        return code


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _small_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "midwatch.crew.supervisor._command", lambda module, *_, **__: [sys.executable, "-c", PROGRAM, module]
    )
    monkeypatch.setattr("midwatch.crew.supervisor._LOOK_S", 0.01)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path, workers=2)
    made.supervisor.start()
    assert await made.supervisor.listening(60)
    yield made
    assert await made.end() == 0
    assert not made.home.crew.exists()


def pids(house: House) -> list[int | None]:
    return [worker.pid for worker in house.supervisor.workers.serving]


async def test_where_nothing_is_new_nothing_is_done(house: House) -> None:
    before = [*pids(house), house.supervisor.control.pid]
    house.want(stamp=1, policy="strict")
    crew = await house.settled(1)
    assert (crew.workers, crew.problem) == ({"w0": State.SERVING, "w1": State.SERVING}, "")
    assert [*pids(house), house.supervisor.control.pid] == before


async def test_what_only_a_start_can_change_replaces_workers_and_not_control(house: House) -> None:
    before, control = pids(house), house.supervisor.control.pid
    house.want(stamp=1, max_inspect_bytes=1000)
    crew = await house.settled(1)
    assert crew.workers == {"w0b": State.SERVING, "w1b": State.SERVING}
    assert crew.replaced == {"settings": 2, "memory": 0, "age": 0}
    assert not set(before) & set(pids(house))
    assert house.supervisor.control.pid == control


async def test_a_restart_that_is_asked_for_replaces_all(house: House) -> None:
    before, control = pids(house), house.supervisor.control.pid
    house.want(stamp=1, restart="again")
    crew = await house.settled(1)
    assert not set(before) & set(pids(house))
    assert house.supervisor.control.pid not in (control, None)
    assert crew.restarts == {"worker": 0, "control": 0}  # nobody died


async def test_workers_become_more_and_fewer(house: House) -> None:
    first = pids(house)
    house.want(stamp=1, workers=3)
    assert sorted((await house.settled(1)).workers) == ["w0", "w1", "w2"]
    house.want(stamp=2, workers=1)
    assert sorted((await house.settled(2)).workers) == ["w0"]
    assert pids(house) == first[:1]


async def test_one_above_its_memory_is_replaced_and_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch.crew.rolling.MIN_LIFE_S", 0.0)
    house.want(stamp=1, worker_memory_mb=1)
    await until(lambda: house.crew().replaced.get("memory", 0) >= 2)
    house.want(stamp=2, worker_memory_mb=0)
    assert (await house.settled(2)).replaced["settings"] == 0


async def test_a_death_is_told(house: House) -> None:
    house.supervisor.workers.serving[1].signal(signal.SIGKILL)
    await until(lambda: house.crew().restarts.get("worker") == 1)
    house.supervisor.control.signal(signal.SIGKILL)
    await until(lambda: house.crew().restarts == {"worker": 1, "control": 1})


async def test_it_ends_in_order_in_the_middle_of_a_replacement(house: House) -> None:
    house.want(stamp=1, restart="again")
    await until(lambda: len(list(house.supervisor.workers)) > 2)


async def test_a_private_one_follows_no_snapshot_and_tells_nobody(tmp_path: Path) -> None:
    house = House(tmp_path, private=True, workers=1)
    house.supervisor.start()
    assert await house.supervisor.listening(60)
    before = pids(house)
    house.want(restart="again", workers=5)
    await asyncio.sleep(0.2)
    assert (pids(house), house.crew()) == (before, Crew())
    assert await house.end() == 0


async def test_a_reload_while_control_starts_waits_until_it_can_heed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = tmp_path / "heard"
    program = f"""
import os, pathlib, signal, sys, time
time.sleep(0.3)
signal.signal(signal.SIGHUP, lambda *_: pathlib.Path({str(heard)!r}).touch())
{PROGRAM}"""
    monkeypatch.setattr("midwatch.crew.supervisor._command", lambda *_, **__: [sys.executable, "-c", program])
    house = House(tmp_path, workers=1)
    house.supervisor.start()
    await until(lambda: house.supervisor.control.pid)
    house.supervisor.reload()
    await until(heard.exists)
    assert house.supervisor.control.restarts == 0
    heard.unlink()
    house.supervisor.reload()
    await until(heard.exists)
    assert await house.end() == 0
