"""Real models in a running house: what they see, calls that wait for them, and calls while they are killed and held."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from midwatch.demo.words import VEILED
from tests.e2e.talking import sim

if not all(importlib.util.find_spec(name) for name in ("onnxruntime", "tokenizers", "stackone_defender")):
    pytest.skip("the extra ml: uv run --extra ml pytest tests/e2e/test_e2e_learned.py", allow_module_level=True)

# Only `ml` is under test: names by a model would be two processes more.
SETTINGS = {
    "pii": {"ner": {"enabled": False}},
    "plugins": {"models_wait_s": 20.0},
    "breakers": {"open_s": 1.0},
    "limits": [],
}
POLICY = """
policy: {id: e2e-learned, version: 1}
lines:
  - id: waits
    when: {direction: request, model: gpt-5*, category: prompt_injection, confidence_at_least: 0.5}
    then: block
    models: inline
    deadline_ms: 10000
  - id: hurries
    when: {direction: request, model: gpt-4.1*, category: prompt_injection, confidence_at_least: 0.5}
    then: block
    models: inline
    deadline_ms: 400
  - {id: rest, then: flag}
"""
WAITS, HURRIES, WATCHED = "gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini"
DEADLINE_S = 0.4
CLIENTS = 8
ANSWER = b'{ "id":"x", "choices":[{"index":0,"message":{"content":"ok \\u00e9"}, "finish_reason":"stop"}]}  '


@pytest.fixture(scope="module")
def learned(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("learned")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    with house_in(folder, "--policy", str(policy), settings=SETTINGS) as running:
        yield running
    assert "crashed" not in running.log


def chat(model: str, page: str) -> dict[str, Any]:
    """A question, and the page that a tool fetched for it."""
    call = {"id": "call_1", "type": "function", "function": {"name": "read_page", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "When does the museum open?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": page},
    ]
    return {"model": model, "messages": turns}


def ask(house: Any, way: Any, model: str, page: str) -> httpx.Response:
    with house.client() as web:
        answer: httpx.Response = web.post(
            "https://api.openai.com/v1/chat/completions", json=chat(model, page), headers=sim(way)
        )
    return answer


def metric(house: Any, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    lines = httpx.get(f"{house.console}/metrics", trust_env=False, timeout=60).text.splitlines()
    found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(line.split()[-1]) for line in found if all(label in line for label in wanted))


def model_processes(house: Any) -> list[psutil.Process]:
    found = psutil.Process(house.process.pid).children(recursive=True)
    return [one for one in found if "midwatch_core.inference.process" in one.cmdline()]


def are_ready(house: Any) -> bool:
    """Whether the models of worker and control are both loaded."""
    return metric(house, "midwatch_model_processes", state="ready") == 2


def test_models_libraries_are_in_their_own_processes_alone(learned: Any, waiting: Any) -> None:
    waiting(lambda: are_ready(learned), "both models")
    libraries = ("onnxruntime", "tokenizers", "numpy")
    asking = {one.pid for one in model_processes(learned)}
    for one in psutil.Process(learned.process.pid).children(recursive=True):
        mapped = {name for name in libraries if any(f"/{name}/" in region.path for region in one.memory_maps())}
        assert mapped == (set(libraries) if one.pid in asking else set())


def test_what_only_a_model_sees_is_told_with_its_reasons(learned: Any, trail: Any) -> None:
    way = trail()
    assert ask(learned, way, WATCHED, f"Opening hours: 9 to 17. {VEILED}").status_code == 200
    assert learned.row(way.id)["status"] == 200
    done = learned.run("findings", "--json", "--trace", way.id)
    found = {item["rule"]: item for item in map(json.loads, done.stdout.splitlines())}
    assert found["ml/defender"]["part"] == "tool_result"
    assert found["ensemble/prompt-injection"]["category"] == "prompt_injection"
    assert "defender/main +" in found["ensemble/prompt-injection"]["message"]


def test_a_call_that_waits_for_the_model_is_refused(learned: Any, world: Any, trail: Any) -> None:
    way = trail()
    answer = ask(learned, way, WAITS, f"Opening hours: 10 to 18. {VEILED}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "blocked_by_policy")
    assert not [item for item in world.providers.received if item.id == way.id]


def test_a_harmless_call_that_waits_goes_on(learned: Any, trail: Any) -> None:
    way = trail()
    answer = ask(learned, way, WAITS, "The museum is open from 9 to 17, on Sundays from 11.")
    assert answer.status_code == 200
    assert learned.row(way.id)["action"] == "allow"


@dataclass(frozen=True, slots=True)
class Call:
    """What a client saw."""

    status: int
    body: bytes
    seconds: float


class Crowd:
    """Clients that ask one call after another, each with a text of its own, until they are told to stop."""

    def __init__(self, house: Any, url: str) -> None:
        self._house = house
        self._url = url
        self._ended = threading.Event()
        self._numbers = itertools.count()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._running = [self._pool.submit(self._work) for _ in range(CLIENTS)]

    def end(self) -> list[Call]:
        self._ended.set()
        calls = [call for running in self._running for call in running.result()]
        self._pool.shutdown()
        return calls

    def _work(self) -> list[Call]:
        calls = []
        with self._house.client() as web:
            while not self._ended.is_set():
                body = chat(HURRIES, f"Room {next(self._numbers)} of the museum is open from 9 to 17.")
                began_s = time.monotonic()
                answer = web.post(self._url, json=body)
                calls.append(Call(answer.status_code, answer.content, time.monotonic() - began_s))
        return calls


@pytest.fixture
def url(world: Any) -> Iterator[str]:
    """Where the same bytes are answered to every call."""
    path = f"/{uuid.uuid4().hex}/v1/chat/completions"
    world.origin.routes[path] = lambda asked: asked.answer(ANSWER, "content-type: application/json")
    yield f"https://llm.acme.example{path}"
    del world.origin.routes[path]


def test_models_killed_and_held_under_load_harm_no_call(learned: Any, url: str, waiting: Any, trail: Any) -> None:
    """A model that is held is given up after ten seconds: whoever waited for it, and not for the deadline, shows."""
    restarts = "midwatch_model_restarts_total"
    waiting(lambda: are_ready(learned), "both models")
    crowd = Crowd(learned, url)
    try:
        for crashes in (2, 4):
            for one in model_processes(learned):
                one.kill()
            waiting(lambda least=crashes: metric(learned, restarts, reason="crash") >= least, "the kills to be seen")
            waiting(lambda: are_ready(learned), "models again")
        for one in model_processes(learned):
            os.kill(one.pid, signal.SIGSTOP)
        waiting(lambda: metric(learned, restarts, reason="hang") >= 2, "held models to be given up")
    finally:
        calls = crowd.end()
    print(f"{len(calls)} calls, the slowest took {max(call.seconds for call in calls):.2f} s")
    assert {(call.status, call.body) for call in calls} == {(200, ANSWER)}
    assert max(call.seconds for call in calls) < DEADLINE_S + 5
    assert metric(learned, "midwatch_inspection_failures_total", plugin="ml") > 0
    waiting(lambda: ask(learned, trail(), WAITS, f"Again, {uuid.uuid4().hex}: {VEILED}").status_code == 403, "models")


def test_weights_that_are_not_there_cost_no_call(house_in: Any, tmp_path: Path, trail: Any) -> None:
    ml = {"models": [{"id": "defender", "source": "./nowhere"}]}
    with house_in(tmp_path, settings={**SETTINGS, "ml": ml}) as house:
        ready = httpx.get(f"{house.console}/readyz", trust_env=False, timeout=60)
        assert ready.status_code == 200
        assert '"without":["defender"]' in ready.text
        way = trail()
        assert ask(house, way, WATCHED, f"Opening hours: 9 to 17. {VEILED}").status_code == 200
        assert house.row(way.id)["status"] == 200
        told = house.run("doctor").stdout
        assert "model defender" in told
        assert "nowhere" in told
