"""Workers take over from each other without a moment in which nobody serves; a bad successor changes nothing."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from midwatch.crew.child import Child
from midwatch.crew.crew_file import State
from midwatch.crew.rolling import Why
from midwatch.crew.wanted import Wanted
from midwatch.crew.workers import Workers

START = "import os, signal, sys, time\nready = int(sys.argv[-1])\n"
ENDS = "for number in (signal.SIGTERM, signal.SIGUSR1):\n    signal.signal(number, lambda *_: sys.exit(0))\n"
SERVES = f"{START}{ENDS}os.write(ready, b'1')\nwhile True: signal.pause()\n"
LINGERS = (
    f"{START}{ENDS}signal.signal(signal.SIGUSR1, lambda *_: None)\nos.write(ready, b'1')\nwhile True: signal.pause()\n"
)
REFUSES = f"{START}sys.exit(2)\n"
DIES = f"{START}os.write(ready, b'1')\nsys.exit(1)\n"

OLD, NEW = {"upstream_ca": None}, {"upstream_ca": "/ca.pem"}
WANTED = Wanted(workers=2, memory_bytes=0, age_s=0, drain_s=20, rolling_drain_s=20, for_workers=NEW, for_control=OLD)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


class Hiring:
    """Makes workers of a program that a test may change meanwhile."""

    program = SERVES

    def __call__(self, name: str, spared: Callable[[], bool]) -> Child:
        return Child(name, [sys.executable, "-c", self.program], [], spared=spared)


@pytest.fixture
async def hiring() -> Hiring:
    return Hiring()


@pytest.fixture
async def workers(hiring: Hiring) -> AsyncIterator[Workers]:
    made = Workers(hiring, overlap=True)
    made.start(OLD)
    made.start(OLD)
    await until(lambda: all(worker.at_work for worker in made.serving))
    yield made
    await asyncio.gather(*(worker.stop(60) for worker in list(made)))


async def take_over(workers: Workers, index: int) -> None:
    await workers.replace(index, WANTED, why=Why.SETTINGS, says="a test")


async def test_another_takes_over_and_the_old_one_ends_in_its_own_time(workers: Workers, hiring: Hiring) -> None:
    hiring.program = LINGERS
    await take_over(workers, 0)
    await until(lambda: sorted(workers.states()) == ["w0b", "w1"])
    assert [item.settled for item in workers.seen(WANTED)] == [NEW, OLD]
    hiring.program = SERVES
    await take_over(workers, 0)  # the lingering one is told, and stays
    assert workers.states() == {"w0": State.SERVING, "w0b": State.LEAVING, "w1": State.SERVING}
    assert [item.waits for item in workers.seen(WANTED)] == [True, False]
    next(worker for worker in workers if worker.name == "w0b").signal(signal.SIGTERM)
    await until(lambda: sorted(workers.states()) == ["w0", "w1"])
    assert [item.waits for item in workers.seen(WANTED)] == [False, False]
    assert workers.replaced == {"settings": 2, "memory": 0, "age": 0}


@pytest.mark.parametrize("program", [REFUSES, "nonsense"])
async def test_where_the_successor_does_not_start_the_old_one_stays(
    workers: Workers, hiring: Hiring, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch.crew.workers._ARRIVE_S", 0.5)
    hiring.program = program
    before = [worker.pid for worker in workers.serving]
    await take_over(workers, 1)
    assert [worker.pid for worker in workers.serving] == before
    assert [item.waits for item in workers.seen(WANTED)] == [False, True]
    assert workers.problem(WANTED) == "w1 stays as it is: who was to take over from it did not start"
    assert workers.problem(replace(WANTED, for_workers=OLD)) == ""  # then it is as it should be
    assert (workers.replaced["settings"], len(list(workers))) == (0, 2)
    hiring.program = SERVES
    await take_over(workers, 1)
    assert workers.problem(WANTED) == ""


async def test_one_that_is_to_be_added_and_does_not_start_is_missed_and_tried_again_later(
    workers: Workers, hiring: Hiring
) -> None:
    wanted = replace(WANTED, workers=3)
    hiring.program = REFUSES
    await workers.add(wanted)
    assert (len(list(workers)), workers.may_add(wanted)) == (2, False)
    assert workers.problem(wanted) == "a worker is missing: one that was to be added did not start"
    assert workers.problem(WANTED) == ""  # none is missing
    assert workers.may_add(replace(wanted, for_workers=OLD))
    hiring.program = SERVES
    await workers.add(wanted)
    assert (len(workers.serving), workers.may_add(wanted), workers.problem(wanted)) == (3, True, "")
    assert [item.settled for item in workers.seen(WANTED)] == [OLD, OLD, NEW]


async def test_one_less_ends_the_last_and_its_name_is_free_once_it_has(workers: Workers, hiring: Hiring) -> None:
    hiring.program = LINGERS
    await take_over(workers, 1)
    workers.end(WANTED)
    assert workers.states()["w1b"] is State.LEAVING
    hiring.program = SERVES
    await until(lambda: "w1" not in workers.states())
    workers.start(NEW)
    await until(lambda: workers.states().get("w1") is State.SERVING)
    next(worker for worker in workers if worker.name == "w1b").signal(signal.SIGTERM)
    await until(lambda: sorted(workers.states()) == ["w0", "w1"])


async def test_one_that_can_have_no_second_beside_it_is_started_again(hiring: Hiring) -> None:
    alone = Workers(hiring, overlap=False)
    alone.start(OLD)
    await until(lambda: alone.serving[0].at_work)
    before = alone.serving[0].pid
    await take_over(alone, 0)
    assert (alone.states(), alone.restarts) == ({"w0": State.SERVING}, 0)
    assert alone.serving[0].pid != before
    assert [item.settled for item in alone.seen(WANTED)] == [NEW]
    assert await alone.serving[0].stop(60)


async def test_a_crash_loop_degrades_one_and_the_others_go_on(workers: Workers, hiring: Hiring) -> None:
    hiring.program = DIES
    workers.start(NEW)
    await until(lambda: workers.states()["w2"] is State.DEGRADED)
    assert workers.states() == {"w0": State.SERVING, "w1": State.SERVING, "w2": State.DEGRADED}
    assert workers.restarts == 5


async def test_restarts_are_counted_beyond_the_life_of_who_had_them(workers: Workers) -> None:
    workers.serving[0].signal(signal.SIGKILL)
    await until(lambda: workers.restarts == 1 and workers.serving[0].at_work)
    await take_over(workers, 0)
    await until(lambda: sorted(workers.states()) == ["w0b", "w1"])
    assert workers.restarts == 1


async def test_one_that_takes_too_much_memory_shows_after_some_looks(workers: Workers) -> None:
    wanted = replace(WANTED, memory_bytes=1024)
    assert [[item.large for item in workers.seen(wanted)] for _ in range(3)] == [[False] * 2, [False] * 2, [True] * 2]
    assert [item.large for item in workers.seen(WANTED)] == [False] * 2
