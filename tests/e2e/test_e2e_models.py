"""A model that thinks at its own pace, in a running house: calls that wait for it, and calls that do not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.config import IN_LOOP
from tests.e2e.talking import sim

MODEL = """
import asyncio
from pathlib import Path
from midwatch_core import Classified, Detection, Part, Severity, Vote, hookimpl

@hookimpl
def classify_text(text, part):
    return _think(text) if part is Part.USER else None

async def _think(text):
    if "never" in text:
        await asyncio.Event().wait()
    while "at gate" in text and not Path(__file__).with_name(text.split()[-1]).exists():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.4 if "slowly" in text else 0)
    at = text.find("evil")
    found = Detection(
        rule="thinks/evil", category="prompt_injection", severity=Severity.HIGH, confidence=0.9, message="An evil word",
        start=at, end=at + 4,
    )
    return Classified(detections=(found,) if at >= 0 else (), votes=(Vote(voter="thinks", score=0.9),))

@hookimpl
async def shutdown(host):
    await asyncio.sleep(0)
    (host.home / f"thinks.{host.role}.ended").write_text("")
"""
POLICY = """
policy: {id: e2e-models, version: 1}
lines:
  - id: waits
    when: {direction: request, model: gpt-5*, category: prompt_injection}
    then: block
    models: inline
    deadline_ms: 30000
    on_failure: block
  - id: hurries
    when: {direction: request, model: gpt-4.1*, category: prompt_injection}
    then: block
    models: inline
    deadline_ms: 500
    on_failure: block
  - {id: later, when: {direction: request, category: prompt_injection}, then: block, on_failure: block}
  - {id: rest, then: flag}
"""
WAITS, HURRIES, BESIDE = "gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini"
URL = "https://api.openai.com/v1/chat/completions"
ANSWER = " ".join(f"word{number}" for number in range(300))


@pytest.fixture(scope="module")
def thinking(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("models")
    info = folder / "site" / "midwatch_thinks-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: midwatch-thinks\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[midwatch]\nthinks = e2e_thinks\n")
    (folder / "site" / "e2e_thinks.py").write_text(MODEL)
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    # The one model of this house, also where those of the extra `ml` are installed: they have findings of their own.
    allowed = {item.name for item in entry_points(group="midwatch")} - {"ml", "ensemble"}
    plugins = {"allow": [*sorted(allowed), "thinks"], "in_loop": [*IN_LOOP, "thinks"], "models_wait_s": 3.0}
    environ = {"PYTHONPATH": str(folder / "site")}
    with house_in(folder, "--policy", str(policy), settings={"plugins": plugins}, environ=environ) as running:
        yield running
    assert "crashed" not in running.log
    ended = {path.name for path in Path(running.home.root).glob("thinks.*.ended")}
    assert ended == {"thinks.worker.ended", "thinks.control.ended"}


def ask(house: Any, way: Any, text: str, *, model: str, stream: bool = False, **script: Any) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
    with house.client() as web:
        answer: httpx.Response = web.post(URL, json=body, headers=sim(way, **script))
    return answer


def gate(house: Any, name: str) -> Path:
    """Where this file is, the model speaks of a text that ends with `at gate` and the name."""
    return Path(house.folder) / "site" / name


def reached(world: Any, way: Any) -> list[Any]:
    return [item for item in world.providers.received if item.id == way.id]


def rules(house: Any, way: Any) -> list[str]:
    return [item["rule"] for item in house.whole(way.id)["findings"]]


def reasons(house: Any, way: Any) -> list[str]:
    return [item["reason"] for item in house.whole(way.id)["verdicts"] if item["reason"]]


@pytest.mark.parametrize("text", ["an evil word", "an evil word, slowly"])
def test_a_call_that_waits_is_refused_before_it_goes_out(thinking: Any, world: Any, trail: Any, text: str) -> None:
    way = trail()
    answer = ask(thinking, way, text, model=WAITS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "blocked_by_policy")
    assert not reached(world, way)
    assert (thinking.row(way.id)["action"], rules(thinking, way)) == ("block", ["thinks/evil"])


def test_a_call_that_waits_in_vain_is_what_its_line_says(thinking: Any, world: Any, trail: Any) -> None:
    way = trail()
    answer = ask(thinking, way, "never", model=HURRIES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "inspection_failed")
    assert not reached(world, way)
    assert "models failed or were late: thinks" in reasons(thinking, way)


def test_a_stream_is_ended_by_what_comes_meanwhile(thinking: Any, world: Any, trail: Any, waiting: Any) -> None:
    way, said = trail(), b""
    body = {"model": BESIDE, "messages": [{"role": "user", "content": "evil things at gate begun"}], "stream": True}
    headers = sim(way, answer=ANSWER, gap_ms=100)
    with thinking.client() as web, web.stream("POST", URL, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            said += piece
            if b"word0" in said:
                gate(thinking, "begun").touch()
    assert b"content_filter" in said
    assert said.endswith(b"data: [DONE]\n\n")
    assert b"word299" not in said
    (item,) = reached(world, way)
    assert waiting(lambda: item.progress.ended or None, "the provider's end") == "left"
    row = thinking.row(way.id)
    assert (row["action"], row["status"], rules(thinking, way)) == ("block", 200, ["thinks/evil"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_that_has_not_begun_is_refused(thinking: Any, trail: Any, stream: bool) -> None:
    way = trail()
    answer = ask(
        thinking, way, f"more evil, {stream}", model=BESIDE, stream=stream, delay_ms=15_000, answer=ANSWER, gap_ms=1
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "blocked_by_policy")
    assert answer.headers["x-midwatch-action"] == "block"
    assert answer.json()["error"]["request_id"] == answer.headers["x-midwatch-request-id"]
    row = thinking.row(way.id)
    assert (row["action"], row["status"], row["id"]) == ("block", 403, answer.headers["x-midwatch-request-id"])


def test_nobody_beside_waits_for_a_model_that_never_answers(thinking: Any, world: Any, trail: Any) -> None:
    way = trail()
    answer = ask(thinking, way, "never", model=BESIDE, stream=True, answer="Fine words")
    assert answer.status_code == 200
    (item,) = reached(world, way)
    assert item.progress.ended == "complete"
    assert "content_filter" not in answer.text
    assert reasons(thinking, way) == ["detectors failed: thinks"]


def test_what_is_seen_too_late_is_on_record(thinking: Any, trail: Any) -> None:
    """The call is over when the model speaks; its record waits a little."""
    way = trail()
    assert ask(thinking, way, "evil in a short call, at gate ended", model=BESIDE, answer="Fine").status_code == 200
    gate(thinking, "ended").touch()
    assert rules(thinking, way) == ["thinks/evil"]
    assert reasons(thinking, way) == ["block: seen too late"]
