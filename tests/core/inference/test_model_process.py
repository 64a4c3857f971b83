"""A model in a real process of its own, and all that can become of it: each text gets one answer, or one error."""

import asyncio
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from midwatch_core import BusyError, Json, Metrics, ModelError, ModelLimits, ModelNumbers, ModelProcess, ModelState

_BACKENDS = "tests.core.inference.backends"
# On a busy machine a process that steps back starts late, and works slowly: that is no hang, and nobody goes away.
LIMITS = ModelLimits(nice=0, late_s=120.0)
HANGS = replace(LIMITS, hang_s=2.0)


@asynccontextmanager
async def model(
    load: str = "load", *, limits: ModelLimits | None = None, metrics: Metrics | None = None, **options: Json
) -> AsyncIterator[ModelProcess]:
    """A model of this room's, closed at the end, with nothing left of it in the loop."""
    process = ModelProcess(
        "acme",
        "words",
        load=f"{_BACKENDS}:{load}",
        options=options,
        limits=limits or LIMITS,
        numbers=ModelNumbers(metrics),
    )
    try:
        yield process
    finally:
        await process.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while not true():
            await asyncio.sleep(0.01)


async def all_of(process: ModelProcess, texts: list[str]) -> list[Any]:
    """What became of each text, in order."""
    async with asyncio.timeout(120):
        return await asyncio.gather(*map(process.ask, texts), return_exceptions=True)


def counted(metrics: Metrics, name: str) -> dict[str, float]:
    """A metric's values by its last label."""
    return {sample.labels[-1]: sample.values[0] for sample in metrics.samples([name]) if sample.values[0]}


def reasons(metrics: Metrics) -> dict[str, float]:
    return counted(metrics, "midwatch_model_restarts_total")


def length(text: str) -> Json:
    return {"length": len(text), "text": text[:40]}


async def test_nothing_is_started_before_it_is_asked() -> None:
    async with model() as process:
        assert process.state is ModelState.ABSENT
        assert process.pid is None
        assert process.report() == {"state": "absent", "card": None, "problem": None, "waiting": 0, "restarts": 0}


async def test_it_is_asked_and_says_what_it_is() -> None:
    metrics = Metrics()
    async with model(metrics=metrics) as process:
        assert await process.ask("hello") == length("hello")
        assert process.state is ModelState.READY
        assert process.card is not None
        assert process.card.name == "words"
        assert process.report()["card"] == process.card.document()
        assert counted(metrics, "midwatch_model_processes") == {"ready": 1}
        assert counted(metrics, "midwatch_model_resident_bytes")["words"] > 1_000_000
        pid = process.pid
    assert process.state is ModelState.CLOSED  # type: ignore[comparison-overlap]
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_start_is_begun_once_and_awaited_by_whoever_asks() -> None:
    async with model() as process:
        process.start()
        process.start()
        assert process.state is ModelState.LOADING
        await until(lambda: process.state is ModelState.READY)
        pid = process.pid
        process.start()
        assert await process.ask("x") == length("x")
        assert process.pid == pid


async def test_its_process_is_one_thread_with_nothing_to_read_and_steps_back() -> None:
    async with model("environment", limits=replace(LIMITS, nice=7)) as process:
        await process.ask("x")
        assert process.card is not None
        assert process.card.facts == {"threads": "1", "nice": max(3, os.nice(0)), "stdin": ""}
        assert process.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(7, os.nice(0))


async def test_many_texts_get_their_own_answers_in_batches() -> None:
    metrics = Metrics()
    async with model(limits=replace(LIMITS, batch_texts=8), metrics=metrics) as process:
        texts = [f"text {number}" for number in range(200)]
        assert await all_of(process, texts) == [length(text) for text in texts]
    assert counted(metrics, "midwatch_model_texts_total") == {"answered": 200}
    (batches,) = metrics.samples(["midwatch_model_batch_texts"])
    assert sum(batches.values[:4]) == sum(batches.values[:-1]) >= 25


async def test_any_text_arrives_whole() -> None:
    texts = ["", "a" * 1_000_000, "\ud800 half a pair", "\x00\x1b[31m", "\N{GRINNING FACE}" * 1000]
    async with model() as process:
        answers = await all_of(process, texts)
        assert [answer["length"] for answer in answers] == list(map(len, texts))


async def test_a_text_without_end_is_refused_and_costs_nothing() -> None:
    async with model(limits=replace(LIMITS, longest_characters=10)) as process:
        with pytest.raises(ModelError, match="11 characters, more than 10"):
            await process.ask("x" * 11)
        assert process.report()["waiting"] == 0


async def test_a_text_that_it_can_not_answer_costs_that_text_alone() -> None:
    errors = {"raise": "ZeroDivisionError: no ", "huge": "bytes, more than", "object": "no JSON"}
    async with model() as process:
        await process.ask("load")
        pid = process.pid
        before, *failed, after = await all_of(process, ["before", *errors, "after"])
        assert (before, after) == (length("before"), length("after"))
        assert [type(error) for error in failed] == [ModelError] * 3
        assert all(words in str(error) for words, error in zip(errors.values(), failed, strict=True))
        assert str(failed[0]).startswith("plugin acme: model words ")
        assert process.pid == pid


async def test_a_wrong_count_of_answers_is_an_error_of_the_text_alone() -> None:
    async with model() as process:
        first, wrong = await all_of(process, ["a", "miscount"])
        assert first == length("a")
        assert isinstance(wrong, ModelError)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("crash", "crash"), ("hang", "hang"), ("hold", "hang"), ("swell", "memory"), ("nonsense", "crash")],
)
async def test_lost_under_load_each_text_is_resolved_once_and_others_go_to_the_fresh_process(
    text: str, reason: str, tmp_path: Path
) -> None:
    metrics = Metrics()
    seen = tmp_path / "seen"
    texts = [f"text {number}" for number in range(200)]
    texts[77] = text
    limits = replace(HANGS, hang_s=30.0 if text == "swell" else 2.0, batch_texts=8, most_bytes=200 * 1024 * 1024)
    async with model(limits=limits, metrics=metrics, seen=str(seen)) as process:
        await process.ask("load")
        first = process.pid
        found = await all_of(process, texts)
        assert process.pid not in (first, None)
        assert process.restarts == 1
        assert process.problem is None
    batch = [index for index, answer in enumerate(found) if isinstance(answer, ModelError)]
    assert 77 in batch
    assert batch == list(range(batch[0], batch[0] + len(batch)))
    assert len(batch) <= 8
    assert [answer for index, answer in enumerate(found) if index not in batch] == [
        length(text) for index, text in enumerate(texts) if index not in batch
    ]
    assert "was lost while it had this text" in str(found[77])
    assert reasons(metrics) == {reason: 1}
    assert counted(metrics, "midwatch_model_texts_total") == {"answered": 201 - len(batch), "failed": len(batch)}
    assert max(Counter(seen.read_text().splitlines()).values()) == 1


async def test_killed_from_without_at_work_and_at_rest() -> None:
    metrics = Metrics()
    async with model(metrics=metrics) as process:
        await process.ask("load")
        first = process.pid
        assert first is not None
        asking = asyncio.create_task(all_of(process, ["slow"] + [f"text {number}" for number in range(40)]))
        await until(lambda: process.report()["waiting"])
        os.kill(first, signal.SIGKILL)
        found = await asking
        assert Counter(type(answer) for answer in found)[dict] >= 24
        await until(lambda: process.state is ModelState.READY)
        second = process.pid
        assert second is not None
        os.kill(second, signal.SIGKILL)
        await until(lambda: process.restarts == 2 and process.state is ModelState.READY)
        assert await process.ask("again") == length("again")
    assert reasons(metrics) == {"crash": 2}


async def test_stopped_is_as_good_as_hung() -> None:
    metrics = Metrics()
    async with model(limits=HANGS, metrics=metrics) as process:
        await process.ask("load")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        first, second = await all_of(process, ["x" * 1_000_000, "y"])
        assert isinstance(first, ModelError)
        assert second == length("y")
    assert reasons(metrics) == {"hang": 1}


async def test_one_that_grew_too_big_is_replaced_between_batches() -> None:
    metrics = Metrics()
    async with model(limits=replace(LIMITS, most_bytes=100 * 1024 * 1024), metrics=metrics) as process:
        assert await process.ask("leak") == "leaked"
        await until(lambda: process.restarts)
        assert await process.ask("after") == length("after")
    assert reasons(metrics) == {"memory": 1}


@pytest.mark.parametrize(
    ("load", "problem"),
    [
        ("corrupt", "w.onnx: not the weights that are expected; ask for them again"),
        ("no_such_function", "AttributeError"),
    ],
)
async def test_what_says_that_it_can_not_load_is_not_tried_again_and_says_why(load: str, problem: str) -> None:
    metrics = Metrics()
    async with model(load, metrics=metrics, weights="w.onnx") as process:
        for _ in range(2):
            found = await all_of(process, ["a", "b"])
            assert all(isinstance(error, ModelError) and problem in str(error) for error in found)
        process.start()
        assert process.state is ModelState.FAILED
        assert problem in str(process.report()["problem"])
    assert reasons(metrics) == {"start": 1}


async def test_a_module_that_is_not_there() -> None:
    process = ModelProcess("acme", "words", load="no_such_module:load", options={})
    with pytest.raises(ModelError, match="No module named 'no_such_module'"):
        await process.ask("a")
    await process.close()


async def test_a_model_that_has_no_room_is_not_tried_again() -> None:
    async with model(limits=replace(LIMITS, most_bytes=40 * 1024 * 1024)) as process:
        with pytest.raises(ModelError, match="MB when loaded, more than the 40 MB it may"):
            await process.ask("a")
        assert process.state is ModelState.FAILED
        assert process.restarts == 1


async def test_one_that_ends_before_it_is_asked_is_tried_five_times() -> None:
    metrics = Metrics()
    killed: set[int | None] = {None}
    async with model(metrics=metrics) as process:
        process.start()
        for _ in range(5):
            await until(lambda: process.state is ModelState.READY and process.pid not in killed)
            assert process.pid is not None
            killed.add(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        await until(lambda: process.state is ModelState.FAILED)
        assert process.problem == "the process ended between two batches"
    assert reasons(metrics) == {"crash": 5}


async def test_a_start_that_never_ends_is_ended_and_tried_five_times() -> None:
    metrics = Metrics()
    async with model("never", limits=replace(LIMITS, load_s=0.02), metrics=metrics) as process:
        (found,) = await all_of(process, ["a"])
        assert isinstance(found, ModelError)
        assert "no answer within 0.02 s" in str(found)
        assert process.state is ModelState.FAILED
    assert reasons(metrics) == {"start": 5}


async def test_a_few_deaths_at_the_start_are_survived(tmp_path: Path) -> None:
    metrics = Metrics()
    async with model("ends", metrics=metrics, file=str(tmp_path / "deaths"), deaths=2) as process:
        assert await process.ask("a") == length("a")
        assert process.state is ModelState.READY
    assert reasons(metrics) == {"start": 2}


async def test_more_than_it_may_hold_is_refused_also_while_it_loads() -> None:
    metrics = Metrics()
    async with model(limits=replace(LIMITS, most_waiting=10), metrics=metrics) as process:
        found = await all_of(process, [f"text {number}" for number in range(30)])
        assert found[:10] == [length(f"text {number}") for number in range(10)]
        assert all(isinstance(error, BusyError) for error in found[10:])
        assert "10 texts waiting already" in str(found[10])
        assert process.state is ModelState.READY
    assert counted(metrics, "midwatch_model_texts_total") == {"answered": 10, "busy": 20}


async def test_a_text_that_waits_too_long_is_let_go() -> None:
    metrics = Metrics()
    async with model("never", limits=replace(LIMITS, late_s=0.05), metrics=metrics) as process:
        (found,) = await all_of(process, ["a"])
        assert isinstance(found, BusyError)
        assert "had no time for it in 0.05 s" in str(found)
        assert process.report()["waiting"] == 0
    assert counted(metrics, "midwatch_model_texts_total") == {"late": 1}
    assert counted(metrics, "midwatch_model_waiting") == {}


async def test_whoever_goes_away_is_not_waited_for() -> None:
    metrics = Metrics()
    async with model(limits=replace(LIMITS, batch_texts=1), metrics=metrics) as process:
        await process.ask("load")
        gone = [asyncio.create_task(process.ask(text)) for text in ["slow", *"abcdefgh"]]
        await until(lambda: process.report()["waiting"] == 8)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        assert process.report()["waiting"] == 0
        assert await process.ask("who stays") == length("who stays")
        assert all(task.cancelled() for task in gone)
    assert counted(metrics, "midwatch_model_texts_total") == {"answered": 2}


@pytest.mark.parametrize("load", ["load", "never"])
async def test_closed_while_it_is_asked(load: str) -> None:
    async with model(load) as process:
        asking = [asyncio.create_task(process.ask(text)) for text in ("hang", "x" * 9_000, "y")]
        await until(lambda: load == "never" or process.state is ModelState.READY)
        await process.close()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(error, ModelError) and "is closed" in str(error) for error in found)
        with pytest.raises(ModelError, match="is closed"):
            await process.ask("later")
        process.start()
        assert process.state is ModelState.CLOSED


async def test_what_it_prints_is_logged_and_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with model("prints") as process:
        assert await process.ask("print me") == "printed"
        await until(lambda: "model words: printed print me" in caplog.messages)
    assert "model words: loading" in caplog.messages


def test_it_ends_with_a_loop_that_nobody_closed_it_in() -> None:
    pids: list[int | None] = []

    async def asked() -> Json:
        process = ModelProcess("acme", "words", load=f"{_BACKENDS}:load", options={}, limits=LIMITS)
        said = await process.ask("a")
        pids.append(process.pid)
        return said

    assert asyncio.run(asked()) == length("a")
    assert pids[0] is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


OWNER = """
import asyncio, sys
from midwatch_core import ModelProcess
from tests.core.inference.test_model_process import LIMITS

async def main():
    process = ModelProcess("acme", "words", load="tests.core.inference.backends:load", options={}, limits=LIMITS)
    await process.ask("load")
    asking = asyncio.create_task(process.ask(sys.argv[1]))
    await asyncio.sleep(0.2)
    print(process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


# While it holds the interpreter, it is killed with its owner by Linux alone; elsewhere it ends when it next listens.
@pytest.mark.parametrize("text", ["idle", *(["hold"] if sys.platform == "linux" else [])])
async def test_it_dies_with_an_owner_that_is_killed(text: str) -> None:
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, text, stdout=asyncio.subprocess.PIPE, env=path
    )
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    assert not gone(pid)
    owner.kill()
    await owner.wait()
    await until(lambda: gone(pid))


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
