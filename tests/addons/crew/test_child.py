"""A child is started again when it dies, sooner when it worked than when it never did, and ends when it is told."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from midwatch.crew.child import EXIT_HELD, EXIT_WRONG_USE, Child

READY = "import os, signal, sys, time\nready = int(sys.argv[-1])\n"
SERVES = READY + "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nos.write(ready, b'1')\nsignal.pause()\n"
DEAF = READY + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.write(ready, b'1')\ntime.sleep(60)\n"
STARTS_SLOWLY = READY + "time.sleep(60)\n"


def ends(code: int) -> str:
    return READY + f"sys.exit({code})\n"


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


def make_child(program: str, name: str = "worker 0") -> Child:
    return Child(name, [sys.executable, "-c", program], [])


async def test_it_is_started_told_and_ends_in_order() -> None:
    child = make_child(SERVES)
    child.start()
    await until(lambda: child.at_work)
    assert await child.stop(60)
    assert (child.pid, child.restarts) == (None, 0)


async def test_one_that_is_killed_comes_back_as_another() -> None:
    child = make_child(SERVES)
    child.start()
    await until(lambda: child.at_work)
    for kill in range(3):
        before = child.pid
        child.signal(signal.SIGKILL)
        await until(lambda before=before: child.at_work and child.pid != before)  # type: ignore[misc]
        assert child.restarts == kill + 1
    assert await child.stop(60)


async def test_one_that_hears_nothing_is_killed_after_the_deadline() -> None:
    child = make_child(DEAF)
    child.start()
    await until(lambda: child.at_work)
    assert not await child.stop(0.2)
    assert child.pid is None


async def test_a_stop_before_it_was_ready_is_no_failure() -> None:
    child = make_child(STARTS_SLOWLY)
    child.start()
    await until(lambda: child.pid)
    assert await child.stop(60)


async def test_a_stop_in_the_moment_of_its_start() -> None:
    child = make_child(STARTS_SLOWLY)
    child.start()
    await asyncio.sleep(0)
    assert await child.stop(60)
    assert child.pid is None


async def test_one_with_something_to_put_in_order_gets_to_its_work_first() -> None:
    child = make_child(SERVES)
    child.start()
    assert await child.stop(60, when_ready=True)
    assert child._ready


async def test_also_when_it_was_just_killed() -> None:
    child = make_child(SERVES)
    child.start()
    await until(lambda: child.at_work)
    child.signal(signal.SIGKILL)
    await until(lambda: child.restarts == 1)
    assert await child.stop(60, when_ready=True)
    assert child._ready


async def test_a_death_before_the_stop_is_no_failure() -> None:
    child = make_child(ends(1))
    child.start()
    await until(lambda: child.restarts == 2)
    assert await child.stop(60)


async def test_a_place_that_is_taken_is_asked_for_again_without_alarm(caplog: pytest.LogCaptureFixture) -> None:
    child = make_child(ends(EXIT_HELD), "control")
    child.start()
    await until(child._settled.is_set)
    assert await child.stop(60, when_ready=True)
    assert (child.restarts, caplog.text) == (0, "")


async def test_wrong_settings_at_the_first_start_are_not_tried_again() -> None:
    child = make_child(ends(EXIT_WRONG_USE), "control")
    child.start()
    await until(child.refused.is_set)
    assert child.restarts == 0
    assert await child.stop(60, when_ready=True)


async def test_killed_for_good() -> None:
    child = make_child(SERVES)
    child.start()
    await until(lambda: child.at_work)
    child.kill()
    await until(lambda: child.pid is None)
    assert not await child.stop(60)
    assert child.restarts == 0


async def test_one_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    program = tmp_path / "program"
    child = Child("worker 0", [str(program)], [])
    child.start()
    await asyncio.sleep(0.05)
    program.write_text(f"#!{sys.executable}\n{SERVES}")
    program.chmod(0o700)
    await until(lambda: child.at_work)
    assert await child.stop(60)


async def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd") if Path("/proc/self/fd").exists() else Path("/dev/fd")
    child = make_child(ends(3))
    before = len(list(descriptors.iterdir()))
    child.start()
    await until(lambda: child.restarts == 3)
    await child.stop(60)
    assert len(list(descriptors.iterdir())) <= before + 2  # the loop may have made its child watcher


async def test_one_that_was_never_started() -> None:
    assert await make_child(SERVES).stop(1)


async def test_a_life_can_be_renewed_without_counting_as_a_death() -> None:
    child = make_child(SERVES)
    child.start()
    await until(lambda: child.at_work)
    before = child.pid
    await child.renew(60)
    await child.arrived(60)
    assert child.at_work
    assert (child.pid != before, child.restarts, child.degraded) == (True, 0, False)
    assert await child.stop(60)


async def test_one_that_will_not_end_is_killed_for_its_next_life() -> None:
    child = make_child(DEAF)
    child.start()
    await until(lambda: child.at_work)
    before = child.pid
    await child.renew(0.2)
    await until(lambda: child.at_work and child.pid != before)
    child.kill()
    await until(lambda: child.pid is None)


async def test_a_life_that_is_not_there_is_not_renewed() -> None:
    child = make_child(SERVES)
    await child.renew(60)
    assert child.pid is None


@pytest.mark.parametrize("spared", [True, False])
async def test_in_a_crash_loop_it_waits_long_where_others_do_its_work(
    spared: bool, caplog: pytest.LogCaptureFixture
) -> None:
    child = Child("w0", [sys.executable, "-c", READY + "os.write(ready, b'1')\n"], [], spared=lambda: spared)
    child.start()
    await until(lambda: child.restarts == 5)
    assert child.degraded
    await child.stop(60)
    waits = [line.rpartition("again in ")[2] for line in caplog.text.splitlines()]
    assert (waits[4] == "10.0 s") is spared
    assert "10.0 s" not in waits[:4]


async def test_one_that_a_real_time_signal_ended_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    child = make_child(SERVES)
    child.start()
    await until(lambda: child.at_work)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGRTMIN + 3)
    await until(lambda: child.restarts == 1 and child.at_work)
    assert f"ended (signal {signal.SIGRTMIN + 3})" in caplog.text
    assert await child.stop(60)


async def test_a_kill_in_the_moment_of_its_start_is_no_request(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as a program inherits it
    try:
        child = make_child(STARTS_SLOWLY)
        child.start()
        await asyncio.sleep(0)
        child.kill()
        assert not await child.stop(5)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "did not end" not in caplog.text


async def test_a_renewal_that_finds_its_place_taken_excuses_no_later_death() -> None:
    child = make_child(SERVES.replace("sys.exit(0)", f"sys.exit({EXIT_HELD})"))
    child.start()
    await until(lambda: child.at_work)
    await child.renew(60)
    await until(lambda: child.at_work)
    assert not child.renewing
    child.signal(signal.SIGKILL)
    await until(lambda: child.restarts == 1)
    child.kill()
    await child.stop(60)
