"""A worker above its memory ceiling or its age: another takes over, and calls go on.

None is replaced in its first minute, so this takes the house that all tests share, which is older when this file's turn
comes, last. Alone, and for the second worker, it waits for the minute.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
import yaml

from midwatch.crew.crew_file import Crew, State, read_crew
from midwatch.crew.rolling import MIN_LIFE_S
from tests.e2e.under_load import BODY, CHAT, STREAM, Load, Stream, held_streams


@contextlib.contextmanager
def settings(house: Any, **more: Any) -> Iterator[None]:
    """The house goes by further settings for as long as a `with` lasts: it sees by itself that the file is another."""
    before = house.config_file.read_text()
    house.config_file.write_text(yaml.safe_dump({**yaml.safe_load(before), **more}))
    try:
        yield
    finally:
        house.config_file.write_text(before)


def crew(house: Any) -> Crew:
    return read_crew(house.home, console=house.status["console"])


@pytest.fixture
def worker(house: Any, living: Any, waiting: Any) -> psutil.Process:
    """The house's only worker, a minute old; one that another has replaced takes its time to end."""

    def only() -> str | None:
        lines = [line for line in living(str(house.home.root)) if "proxy.worker" in line]
        return lines[0] if len(lines) == 1 else None

    process = psutil.Process(int(waiting(only, "the only worker").split()[0]))
    time.sleep(max(0.0, process.create_time() + MIN_LIFE_S - time.time()))
    return process


def test_one_above_its_ceiling_is_replaced_and_calls_go_on(house: Any, worker: psutil.Process, waiting: Any) -> None:
    before = crew(house).named(State.SERVING)
    counted = crew(house).replaced["memory"]
    assert worker.memory_info().rss > 1024**2
    with house.client() as web, settings(house, worker_memory_mb=1):

        def replaced() -> bool:
            web.post(CHAT, json=BODY).raise_for_status()
            return crew(house).replaced["memory"] > counted

        waiting(replaced, "another to take over")
        web.post(CHAT, json=BODY).raise_for_status()
    serving = crew(house).named(State.SERVING)
    assert (len(before), len(serving), serving != before) == (1, 1, True)
    line = f'midwatch_workers_replaced_total{{why="memory"}} {counted + 1}'
    waiting(lambda: line in httpx.get(f"{house.console}/metrics", trust_env=False, timeout=60).text, "it to be counted")


def test_one_above_its_age_is_replaced_under_load_and_no_call_fails(
    house: Any, world: Any, worker: psutil.Process, trail: Any, waiting: Any
) -> None:
    (old,) = crew(house).named(State.SERVING)
    counted, way = crew(house).replaced["age"], trail()
    with held_streams(world, "worn") as held:
        with settings(house, limits=[]), Load(house).running() as load:
            waiting(lambda: len(load.whole) == 6, "every kind of client to be at work")
            streams = [Stream(house, held, **way.header), *(Stream(house, held) for _ in range(3))]
            with settings(house, worker_max_age_hours=0.001):
                waiting(lambda: crew(house).replaced["age"] > counted, "another to take over")
            reached = Counter(load.whole)
            waiting(lambda: all(load.whole[kind] > reached[kind] + 1 for kind in reached), "all to go on")
            assert crew(house).named(State.LEAVING) == [old]  # with its streams
        assert load.failed == []
        held.let_go.set()
        assert [(stream.ended().got, stream.error) for stream in streams] == [(STREAM, None)] * 4
    assert house.row(way.id)["finish_reason"] == "stop"
    waiting(lambda: not worker.is_running(), "the old one to end")
    line = f'midwatch_workers_replaced_total{{why="age"}} {counted + 1}'
    waiting(lambda: line in httpx.get(f"{house.console}/metrics", trust_env=False).text, "it to be counted")
