"""The scan pool with real processes and plugins that do all that a plugin should not."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from midwatch.home import Home
from midwatch.pool import PoolError, ScanPool, Standing
from midwatch.pool.standing import LOST, STRIKES
from midwatch.settings import resolve, write_snapshot
from midwatch_core import Finding, Part
from midwatch_core.breaker import BreakerOpenError
from midwatch_core.metrics import Metrics
from midwatch_core.sound import MAX_ITEMS, NonsenseError
from midwatch_core.testing.factories import make_exchange
from tests.addons.pool.conftest import GOOD

type Install = Callable[..., Home]

HANGS = """
@hookimpl
def inspect_text(text):
    if "hang" in text.original:
        time.sleep(60)
    return seen(text, "sesame")
"""
SPINS = """
@hookimpl
def inspect_text(text):
    while True:
        pass
"""
HOLDS_THE_INTERPRETER = """
@hookimpl
def inspect_text(text):
    return [] if 7 ** (7 ** 9) else None
"""
SLEEPS_ASYNC = """
import asyncio

@hookimpl
async def inspect_exchange(exchange):
    if exchange.model == "hang":
        await asyncio.sleep(60)
    return [Finding(id="", rule="a/b", category="words", severity=Severity.LOW, confidence=1, message=exchange.model)]
"""
ENDS = """
@hookimpl
def inspect_text(text):
    os._exit(3)
"""
SEGFAULTS = """
import ctypes

@hookimpl
def inspect_text(text):
    ctypes.string_at(0)
"""
EXITS = """
@hookimpl
def inspect_text(text):
    sys.exit("bye")
"""
RAISES = """
@hookimpl
def inspect_text(text):
    raise ZeroDivisionError("no \\ud800")
"""
SWELLS = """
@hookimpl
def inspect_text(text):
    kept = []
    while True:
        kept.append(bytearray(8 * 1024 * 1024))
        time.sleep(0.005)
"""
LEAKS = """
kept = []

@hookimpl
def inspect_text(text):
    kept.append(bytearray(60 * 1024 * 1024))
    return seen(text, "sesame")
"""
PRINTS = """
import subprocess

@hookimpl
def inspect_text(text):
    print("\\x00\\x00\\x00\\x05 a line", flush=True)
    os.write(1, b"raw\\n")
    subprocess.run(["echo", "from a child"])
    print("no end of line", "\\ud800", file=sys.stderr)
    input_ended = sys.stdin.read() == ""
    return seen(text, "sesame", message=str(input_ended))
"""
RAISES_AT_START = """
@hookimpl
def startup(host):
    raise OSError(f"no model in {host.role}")

@hookimpl
def inspect_text(text):
    return []
"""
ENDS_AT_START = RAISES_AT_START.replace('raise OSError(f"no model in {host.role}")', "os._exit(4)")
SHUTS_DOWN = """
state = {}

@hookimpl
def startup(host):
    state["file"] = host.home / "shut"

@hookimpl
async def shutdown(host):
    state["file"].write_text("down")

@hookimpl
def inspect_text(text):
    return []
"""


@pytest.fixture(autouse=True)
def _time_to_begin_and_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine starts a process in longer than ten of the short deadlines here, and ends one as slowly."""
    monkeypatch.setattr("midwatch.pool.pool._PATIENCE", 1000)
    monkeypatch.setattr("midwatch_core.children.piped._CLOSE_S", 60.0)


@asynccontextmanager
async def pool_of(home: Home, *names: str, deadline_s: float = 60.0, **more: Any) -> AsyncIterator[ScanPool]:
    pool = ScanPool(home, plugins=names, deadline_s=deadline_s, **more)
    try:
        yield pool
    finally:
        await pool.close()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_detector_sees_text_part_and_every_code_point(install: Install) -> None:
    home = install(good=GOOD)
    write_snapshot(resolve(home, config_file=None, flags={}))
    async with pool_of(home, "good") as pool:
        assert pool.pid is None
        outcome = await pool.inspect_text("good", "🔑 \ud800 sesame", Part.TOOL_RESULT)
        assert (outcome.error, outcome.name) == (None, "good.inspect_text")
        (found,) = outcome.value
        assert (found.rule, found.start, found.end) == ("test/sesame", 4, 10)
        assert found.message == f"tool_result {pool.pid}"
        assert (await pool.inspect_text("good", "x" * 5_000_000, Part.USER)).value == []
        assert pool.state("good").standing is Standing.OK
        assert pool.guard.records["good.inspect_text"].calls == 2
        pid = pool.pid
    assert pid is not None
    assert gone(pid)


@pytest.mark.parametrize(
    ("code", "says", "reason"),
    [
        (SPINS, "no answer within 0.3 s", "hang"),
        (HOLDS_THE_INTERPRETER, "no answer within 0.3 s", "hang"),
        (ENDS, "ended by exit code 3", "crash"),
        (EXITS, "ended by exit code 1", "crash"),
        (SEGFAULTS, "ended by SIGSEGV", "crash"),
    ],
)
async def test_what_costs_the_process_its_life_is_contained_named_and_disabled(
    install: Install, caplog: pytest.LogCaptureFixture, code: str, says: str, reason: str
) -> None:
    metrics = Metrics()
    deadline_s = 0.3 if reason == "hang" else 60.0  # an interpreter takes its time to end on a loaded machine
    async with pool_of(install(bad=code, good=GOOD), "bad", "good", metrics=metrics, deadline_s=deadline_s) as pool:
        for _ in range(STRIKES):
            outcome = await pool.inspect_text("bad", "text", Part.USER)
            assert says in str(outcome.error)
            assert "plugin bad" in str(outcome.error)
        assert isinstance(outcome.error, TimeoutError if reason == "hang" else PoolError)
        assert metrics.samples()[0].values == (STRIKES,)
        assert (metrics.samples()[0].name, metrics.samples()[0].labels) == (LOST, ("bad", reason))
        refused = await pool.inspect_text("bad", "text", Part.USER)
        assert str(refused.error).startswith(f"plugin bad: disabled: {STRIKES} times in a row: ")
        assert pool.state("bad").standing is Standing.DISABLED
        assert "plugin bad is disabled" in caplog.text
        assert (await pool.inspect_text("good", "open sesame", Part.USER)).ok
        assert pool.guard.records["bad.inspect_text"].failures == STRIKES


async def test_calls_behind_one_that_hangs_are_answered_by_the_fresh_process(install: Install) -> None:
    async with pool_of(install(bad=HANGS, good=GOOD), "bad", "good", deadline_s=2.0) as pool:
        outcomes = await asyncio.gather(
            pool.inspect_text("bad", "hang", Part.USER),
            *(pool.inspect_text("good", "sesame", Part.USER) for _ in range(5)),
            pool.inspect_text("bad", "sesame", Part.USER),
        )
        assert isinstance(outcomes[0].error, TimeoutError)
        assert [len(item.value) for item in outcomes[1:]] == [1] * 6
        # A good answer in between: hangs are no longer in a row.
        assert pool.state("bad").standing is Standing.OK


async def test_a_process_that_ends_between_calls_is_no_ones_fault(install: Install) -> None:
    async with pool_of(install(good=GOOD), "good") as pool:
        await pool.inspect_text("good", "", Part.USER)
        first = pool.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert (await pool.inspect_text("good", "sesame", Part.USER)).ok
        assert pool.pid not in (None, first)
        assert pool.state("good").standing is Standing.OK


async def test_what_raises_is_said_and_left_alone_after_a_while(install: Install) -> None:
    async with pool_of(install(bad=RAISES), "bad") as pool:
        for _ in range(10):
            outcome = await pool.inspect_text("bad", "", Part.USER)
            assert str(outcome.error) == "plugin bad: ZeroDivisionError: no ?"
        pid = pool.pid
        assert isinstance((await pool.inspect_text("bad", "", Part.USER)).error, BreakerOpenError)
        assert pool.state("bad").standing is Standing.FAILING
        assert pool.pid == pid


@pytest.mark.parametrize(
    ("gives", "kept", "says"),
    [
        ("42", None, "gave int, not a list of Detection"),
        ("(item for item in ())", None, "gave generator, not a list of Detection"),
        ("['a word']", None, "gave str in place of a Detection"),
        ("seen(text, 'sesame', confidence=float('nan'))", None, "a confidence that is no number"),
        ("seen(text, 'sesame', start='first')", None, "gave start as str"),
        ("seen(text, 'sesame', severity='dire')", None, "gave severity as str"),
        ("seen(text, 'sesame', start=-5, end=10**30)", [(0, 6)], "gave start out of its bounds"),
        ("seen(text, 'sesame', message='x' * 10**8)", [(0, 6)], "gave message out of its bounds"),
        ("seen(text, 'sesame') + [None]", [(0, 6)], "gave NoneType in place of a Detection"),
        ("seen(text, 'sesame') * 10**7", [(0, 6)] * MAX_ITEMS, "gave 10000000 items"),
        ("seen(text, 'sesame', message='half a pair \\ud800')", [(0, 6)], None),
        ("None", [], None),
    ],
)
async def test_nonsense_is_dropped_or_cut_and_counted(
    install: Install, gives: str, kept: Sequence[tuple[int, int]] | None, says: str | None
) -> None:
    code = f"\n@hookimpl\ndef inspect_text(text):\n    return {gives}\n"
    async with pool_of(install(odd=code), "odd") as pool:
        outcome = await pool.inspect_text("odd", "sesame", Part.USER)
        record = pool.guard.records["odd.inspect_text"]
        assert (record.calls, record.failures) == (1, 0 if says is None else 1)
        if kept is None:
            assert isinstance(outcome.error, NonsenseError)
            assert str(says) in str(outcome.error)
            return
        assert [(item.start, item.end) for item in outcome.value] == list(kept)
        assert all(len(item.message) <= 2000 for item in outcome.value)
        assert pool.state("odd").why == record.last_error if says is None else str(says) in str(record.last_error)


async def test_a_call_that_swells_is_stopped(install: Install) -> None:
    async with pool_of(install(bad=SWELLS), "bad", most_bytes=200 << 20) as pool:
        outcome = await pool.inspect_text("bad", "", Part.USER)
        assert str(outcome.error) == "plugin bad: the process took more than 300 MB"


async def test_a_leak_over_many_calls_costs_the_process_and_no_answer(install: Install) -> None:
    async with pool_of(install(bad=LEAKS, good=GOOD), "bad", "good", most_bytes=200 << 20) as pool:
        pids = set()
        for _ in range(6):
            assert len((await pool.inspect_text("bad", "sesame", Part.USER)).value) == 1
            (found,) = (await pool.inspect_text("good", "sesame", Part.USER)).value
            pids.add(found.message)
        assert len(pids) > 1
        assert "MB of them in this plugin's calls" in str(pool.guard.records["bad.inspect_text"].last_error)
        assert pool.guard.records["good.inspect_text"].failures == 0


async def test_what_is_printed_goes_to_the_log_and_not_into_the_protocol(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with pool_of(install(loud=PRINTS), "loud") as pool:
        for _ in range(2):
            (found,) = (await pool.inspect_text("loud", "sesame", Part.USER)).value
            assert found.message == "True"
    for line in ("a line", "raw", "from a child", "no end of line"):
        assert f"{line}" in caplog.text


async def test_whole_calls_are_inspected_and_may_be_awaited(install: Install) -> None:
    async with pool_of(install(slow=SLEEPS_ASYNC), "slow", deadline_s=1.0) as pool:
        (finding,) = (await pool.inspect_exchange("slow", make_exchange(model="gpt-5"))).value
        assert isinstance(finding, Finding)
        assert finding.message == "gpt-5"
        late = await pool.inspect_exchange("slow", make_exchange(model="hang"))
        assert isinstance(late.error, TimeoutError)
        assert (await pool.inspect_exchange("slow", make_exchange(model="half a pair \ud800"))).ok


@pytest.mark.parametrize(("code", "says"), [(RAISES_AT_START, "OSError: no model in pool"), (ENDS_AT_START, "code 4")])
async def test_a_startup_that_fails_disables_its_plugin_alone(install: Install, code: str, says: str) -> None:
    async with pool_of(install(bad=code, good=GOOD), "bad", "good") as pool:
        assert (await pool.inspect_text("good", "sesame", Part.USER)).ok
        assert says in str((await pool.inspect_text("bad", "", Part.USER)).error)
        assert says in str(pool.state("bad").why)
        pool.reload()
        assert says in str((await pool.inspect_text("bad", "", Part.USER)).error)


async def test_a_pool_that_cannot_start_says_why_and_lets_nobody_wait(install: Install) -> None:
    home = install(good=GOOD)
    home.snapshot.write_text("not JSON")
    async with pool_of(home, "good") as pool:
        for _ in range(3):
            assert "no process: at its start: the process ended" in str(
                (await pool.inspect_text("good", "", Part.USER)).error
            )
        home.snapshot.unlink()
        await asyncio.sleep(1.0)  # the delay before the third try
        await until_ok(pool)


async def until_ok(pool: ScanPool) -> None:
    async with asyncio.timeout(60):
        while not (await pool.inspect_text("good", "", Part.USER)).ok:
            await asyncio.sleep(0.1)


async def test_whoever_stops_waiting_disturbs_nobody(install: Install) -> None:
    async with pool_of(install(bad=HANGS, good=GOOD), "bad", "good", deadline_s=2.0) as pool:
        pool.warm()
        hung = asyncio.create_task(pool.inspect_text("bad", "hang", Part.USER))
        behind = asyncio.create_task(pool.inspect_text("good", "sesame", Part.USER))
        gone_away = asyncio.create_task(pool.inspect_text("good", "sesame", Part.USER))
        await until(lambda: pool.pid is not None)
        hung.cancel()
        gone_away.cancel()
        assert (await behind).ok
        assert pool.guard.records["good.inspect_text"].calls == 1


async def test_a_crowd_is_told_at_once(install: Install) -> None:
    async with pool_of(install(good=GOOD), "good") as pool:
        outcomes = await asyncio.gather(*(pool.inspect_text("good", "", Part.USER) for _ in range(70)))
        refused = [outcome for outcome in outcomes if not outcome.ok]
        assert len(refused) == 6
        assert str(refused[0].error) == "plugin good: 64 of its calls wait already"


async def test_closing_shuts_plugins_down_and_answers_who_waits(install: Install) -> None:
    home = install(tidy=SHUTS_DOWN, bad=HANGS)
    pool = ScanPool(home, plugins=["tidy", "bad"], deadline_s=60.0)
    await pool.inspect_text("tidy", "", Part.USER)
    await pool.close()
    assert (home.root / "shut").read_text() == "down"
    assert "closed" in str((await pool.inspect_text("tidy", "", Part.USER)).error)

    pool = ScanPool(home, plugins=["bad"], deadline_s=60.0)
    waiting = [asyncio.create_task(pool.inspect_text("bad", "hang", Part.USER)) for _ in range(2)]
    await until(lambda: pool.pid is not None)
    await pool.close()
    assert ["closed" in str(outcome.error) for outcome in await asyncio.gather(*waiting)] == [True, True]


OWNER = """
import asyncio, sys
from pathlib import Path
from midwatch.home import Home
from midwatch.pool import ScanPool
from midwatch_core import Part

async def main():
    pool = ScanPool(Home(Path(sys.argv[1])), plugins=["bad"], deadline_s=60.0)
    asking = asyncio.create_task(pool.inspect_text("bad", sys.argv[2], Part.USER))
    while pool.pid is None:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    print(pool.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize(("code", "text"), [(HANGS, "idle"), (HANGS, "hang"), (SPINS, "")])
async def test_a_pool_dies_with_an_owner_that_is_killed(install: Install, code: str, text: str) -> None:
    home = install(bad=code)
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(home.root), text, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    assert not gone(pid)
    owner.kill()
    await owner.wait()
    await until(lambda: gone(pid))
