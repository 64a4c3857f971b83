"""A worker above its memory ceiling: another takes over, and calls go on.

None is replaced in its first minute, so this takes the house that all tests share, which is older when this file's turn
comes, last. Alone, it waits for the minute.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
import yaml

from midwatch.crew.crew_file import Crew, State, read_crew
from midwatch.crew.rolling import MIN_LIFE_S

CHAT = "https://api.openai.com/v1/chat/completions"
BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who goes there?"}]}


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
def worker(house: Any, living: Any) -> psutil.Process:
    """The house's only worker, a minute old."""
    (line,) = [line for line in living(str(house.home.root)) if "proxy.worker" in line]
    process = psutil.Process(int(line.split()[0]))
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
    waiting(lambda: line in httpx.get(f"{house.console}/metrics", trust_env=False).text, "it to be counted")
