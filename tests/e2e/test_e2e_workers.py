"""Two workers: others take over from both under load and no call fails; one is killed, and only its own calls do."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from midwatch.crew.crew_file import read_crew
from tests.e2e.under_load import BODY, CHAT, STREAM, Held, Load, Stream, held_streams


@pytest.fixture(scope="module")
def house(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with house_in(tmp_path_factory.mktemp("workers"), "--workers", "2", settings={"limits": []}) as running:
        yield running


@pytest.fixture
def held(world: Any, request: pytest.FixtureRequest) -> Iterator[Held]:
    with held_streams(world, request.node.name) as made:
        yield made


def crew(house: Any) -> dict[str, str]:
    return dict(read_crew(house.home, console=house.status["console"]).workers)


def metric(house: Any, line: str) -> float:
    text = httpx.get(f"{house.console}/metrics", trust_env=False, timeout=60).text
    return next((float(item.rpartition(" ")[2]) for item in text.splitlines() if item.startswith(line)), 0.0)


def test_others_take_over_under_load_and_no_call_fails(house: Any, held: Held, trail: Any, waiting: Any) -> None:
    way, before = trail(), crew(house)
    streams = [Stream(house, held, **way.header), *(Stream(house, held) for _ in range(3))]
    settings = yaml.safe_load(house.config_file.read_text())
    with Load(house).running() as load:
        waiting(lambda: len(load.whole) == 6, "every kind of client to be at work")
        house.config_file.write_text(yaml.safe_dump({**settings, "max_inspect_bytes": 1_000_000}))
        done = house.run("reload")
        assert (done.returncode, "w0b serving, w1 leaving, w1b serving" in done.stderr) == (0, True), done.stderr
        reached = Counter(load.whole)
        waiting(lambda: all(load.whole[kind] > reached[kind] + 1 for kind in reached), "all to go on")
    assert load.failed == []
    assert {*before, *crew(house)} == {"w0", "w1", "w0b", "w1b"}
    held.let_go.set()
    assert [(stream.ended().got, stream.error) for stream in streams] == [(STREAM, None)] * 4
    assert house.row(way.id)["finish_reason"] == "stop"
    waiting(lambda: crew(house) == {"w0b": "serving", "w1b": "serving"}, "the old ones to end")
    waiting(lambda: metric(house, 'midwatch_workers_replaced_total{why="settings"}') == 2, "both to be counted")


def holds(pid: int, port: int) -> bool:
    """Whether a process has the other end of this client's connection. Source: proc_pid_net_tcp(5)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if int(row[2].rpartition(":")[2], 16) == port}
    return any(str(item.readlink()) in inodes for item in Path(f"/proc/{pid}/fd").iterdir() if item.is_symlink())


def test_a_worker_that_is_killed_takes_only_its_own_calls_with_it(
    house: Any, held: Held, living: Any, waiting: Any
) -> None:
    pids = [int(line.split()[0]) for line in living(str(house.home.root)) if "proxy.worker" in line]
    assert len(pids) == 2
    killed = pids[0]
    streams: list[Stream] = []
    while {holds(killed, stream.port) for stream in streams} != {True, False}:
        streams.append(Stream(house, held))
        assert len(streams) < 50
    theirs = [holds(killed, stream.port) for stream in streams]
    restarts = metric(house, 'midwatch_restarts_total{role="worker"}')
    os.kill(killed, signal.SIGKILL)
    with house.client() as web:  # the other one takes what comes
        for _ in range(10):
            web.post(CHAT, json=BODY).raise_for_status()
    held.let_go.set()
    assert [stream.ended().error is not None for stream in streams] == theirs
    assert {stream.got for stream in streams if stream.error is None} == {STREAM}
    waiting(lambda: sorted(crew(house).values()) == ["serving"] * 2, "both to serve again")
    waiting(lambda: metric(house, 'midwatch_restarts_total{role="worker"}') == restarts + 1, "it to be counted")


def troubles(house: Any) -> list[str]:
    told = httpx.get(f"{house.console}/readyz", trust_env=False, timeout=60)
    assert told.status_code == 200  # the other one serves
    return [item["title"] for item in told.json()["parts"]["troubles"] if item["category"] == "worker"]


def test_one_that_dies_again_and_again_is_degraded_and_all_say_so(house: Any, living: Any, waiting: Any) -> None:
    (spared, lost) = crew(house)

    def degraded() -> bool:
        for line in living(str(house.home.root)):
            if "proxy.worker" in line and f"--name {lost} " in line:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(line.split()[0]), signal.SIGKILL)
        return crew(house)[lost] == "degraded"

    waiting(degraded, "a crash loop to be seen")
    with house.client() as web:
        web.post(CHAT, json=BODY).raise_for_status()
    title = f"Worker {lost} dies again and again: what is in flight on it fails each time"
    assert waiting(lambda: troubles(house) or None, "the trouble") == [title]
    assert house.ask({"op": "status"})["workers_degraded"] == [lost]
    assert metric(house, "midwatch_workers_degraded") == 1
    checks = {check["name"]: check for check in map(json.loads, house.run("doctor", "--json").stdout.splitlines())}
    assert checks[f"worker {lost}"]["ok"] is False
    waiting(lambda: metric(house, "midwatch_workers ") == 2, "it to be tried again")
    assert crew(house)[spared] == "serving"
