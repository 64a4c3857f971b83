"""Block through the front door: what policy refuses is refused in the provider's own way, in every dialect."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.model.finding import Action
from tests.e2e.talking import DIALECTS, WITH_TOOLS, Talker, Told, furnish, raw, sim, talkers

MARK = "FORBIDDEN-WORD-7"
DANGER = "DANGER-ARGS-5"
# What a call's arguments are known by on the wire: no schema, no echo of the question holds it.
KEY = "zebra"
PACK = f"""
pack: {{id: e2e/marks, version: 1, engine: ">=1", license: Apache-2.0}}
rules:
  - id: forbidden
    title: A word that may not pass
    severity: high
    confidence: 0.9
    maturity: stable
    category: e2e_mark
    owasp: ["LLM01:2025"]
    match: {{any: [{{regex: '\\b{MARK}\\b'}}]}}
    examples: {{match: ["a {MARK} b"], pass: ["a word"]}}
  - id: danger
    title: Arguments that may not pass
    severity: critical
    confidence: 0.9
    maturity: stable
    category: e2e_danger
    owasp: ["LLM06:2025"]
    where: [tool_call]
    match: {{any: [{{regex: '\\b{DANGER}\\b'}}]}}
    examples: {{match: ["run {DANGER} b"], pass: ["run it"]}}
"""
POLICY = """
policy: {id: e2e-block, version: 1}
lines:
  - {id: no-requests, when: {direction: request, rule: e2e/marks/forbidden}, then: block}
  - {id: no-answers, when: {direction: response, part: [assistant, reasoning], rule: e2e/marks/forbidden}, then: block}
  - {id: no-arguments, when: {direction: response, part: tool_call, rule: e2e/marks/danger}, then: block}
  - {id: rest, then: flag}
"""
# The simulated model says this: the question has no word of it.
ANSWER = f"One two three four. {MARK} five six."


@pytest.fixture(scope="module")
def guarded(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("block")
    with house_in(folder, "--policy", str(furnish(folder, PACK, POLICY))) as running:
        yield running
        assert "crashed" not in running.log


@pytest.fixture(scope="module")
def clients(guarded: Any) -> Iterator[dict[str, Talker]]:
    yield from talkers(guarded)


@pytest.fixture(params=[kind.name for kind in DIALECTS])
def talker(request: pytest.FixtureRequest, clients: dict[str, Talker]) -> Talker:
    return clients[request.param]


@pytest.fixture(params=[kind.name for kind in WITH_TOOLS])
def tool_talker(request: pytest.FixtureRequest, clients: dict[str, Talker]) -> Talker:
    return clients[request.param]


def received(world: Any, way: Any) -> list[Any]:
    return [item for item in world.providers.received if item.id == way.id]


def enforced(house: Any, action: str) -> float:
    with httpx.Client(trust_env=False, timeout=30) as web:
        told = web.get(f"{house.console}/metrics").text
    found = re.search(rf'^midwatch_enforced_total\{{[^}}]*action="{action}"[^}}]*\}} (\S+)$', told, re.MULTILINE)
    return float(found[1]) if found else 0.0


def audited(house: Any, subject: str) -> list[dict[str, Any]]:
    """Audit records about a call, from the metadata store."""
    path = f"file:{Path(house.home.root) / 'midwatch.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(path, uri=True)) as store:
        rows = store.execute(
            "SELECT actor, action, details FROM audit_entries WHERE subject = ?", (subject,)
        ).fetchall()
    return [{"actor": actor, "action": action, **json.loads(details)} for actor, action, details in rows]


def checked_record(house: Any, way: Any, waiting: Any, *, line: str, rule: str, direction: str, status: int) -> Any:
    """The one row of a refused call: action, status, findings, verdict; and its audit record."""
    row = house.row(way.id)
    assert (row["action"], row["status"]) == ("block", status)
    whole = house.whole(way.id)
    assert {(item["rule"], item["direction"]) for item in whole["findings"]} >= {(rule, direction)}
    verdicts = {(Action(item["action"]), item["policy_line"], item["policy"]) for item in whole["verdicts"]}
    assert (Action.BLOCK, line, "e2e-block") in verdicts
    records = waiting(lambda: audited(house, row["id"]) or None, "the audit record")
    assert [(item["actor"], item["action"], item["line"]) for item in records] == [("policy:e2e-block", "block", line)]
    assert rule in records[0]["rules"]
    return row


@pytest.mark.parametrize("streamed", [False, True])
def test_a_request_is_refused(
    guarded: Any, talker: Talker, world: Any, trail: Any, waiting: Any, streamed: bool
) -> None:
    way = trail()
    before = enforced(guarded, "block")
    with pytest.raises(talker.refused) as raised:
        talker.say(f"Please say {MARK} to me", streamed=streamed, headers=sim(way))
    row = checked_record(
        guarded, way, waiting, line="no-requests", rule="e2e/marks/forbidden", direction="request", status=403
    )
    assert talker.told(raised.value) == Told(status=403, code="blocked_by_policy", request_id=row["id"])
    assert received(world, way) == []
    waiting(lambda: enforced(guarded, "block") > before, "the counter")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_on_the_wire(guarded: Any, talker: Talker, world: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    with guarded.client() as web:
        answer, body = raw(web, talker.posting(f"{MARK}!", streamed=streamed), sim(way))
    row = guarded.row(way.id)
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-midwatch-request-id"] == row["id"]
    assert answer.headers["x-midwatch-action"] == "block"
    assert MARK.encode() not in body
    assert row["id"].encode() in body
    assert b"no-requests" in body
    assert b"A word that may not pass" in body
    assert received(world, way) == []


def test_a_whole_answer_is_refused(guarded: Any, talker: Talker, world: Any, trail: Any, waiting: Any) -> None:
    way = trail()
    with pytest.raises(talker.refused) as raised:
        talker.say("Say something", streamed=False, headers=sim(way, answer=ANSWER))
    row = checked_record(
        guarded, way, waiting, line="no-answers", rule="e2e/marks/forbidden", direction="response", status=403
    )
    assert talker.told(raised.value) == Told(status=403, code="blocked_by_policy", request_id=row["id"])
    assert len(received(world, way)) == 1
    with guarded.client() as web:
        posting = talker.posting("Say something", streamed=False)
        answer, body = raw(web, posting, {**sim(trail(), answer=ANSWER, encoding="gzip"), "accept-encoding": "gzip"})
    assert (answer.status_code, answer.headers["x-midwatch-action"]) == (403, "block")
    assert "content-encoding" not in answer.headers
    assert b"five six" not in body
    assert MARK.encode() not in body


@pytest.mark.parametrize("http2", [False, True])
def test_a_streamed_answer_ends_before_the_word(
    guarded: Any, talker: Talker, trail: Any, waiting: Any, http2: bool
) -> None:
    """What has begun can't be refused: the stream ends in order, and the record says that it was blocked."""
    way = trail()
    said = talker.say("Say something", streamed=True, headers=sim(way, answer=ANSWER))
    assert said.text in (ANSWER[: ANSWER.index(" " + MARK)], "")
    assert said.finish == talker.filtered
    checked_record(
        guarded, way, waiting, line="no-answers", rule="e2e/marks/forbidden", direction="response", status=200
    )
    with guarded.client(http2=http2) as web:
        _, body = raw(web, talker.posting("Say something", streamed=True), sim(trail(), answer=ANSWER))
    assert MARK.encode() not in body
    assert b"five" not in body


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("split", [0, 3])
def test_no_byte_of_forbidden_arguments_arrives(
    guarded: Any, tool_talker: Talker, trail: Any, streamed: bool, split: int
) -> None:
    arguments = {KEY: "x" * 60, "command": f"run {DANGER} now"}
    text = f"use the tool with {json.dumps(arguments)}"
    way = trail()
    with guarded.client() as web:
        answer, body = raw(web, tool_talker.posting(text, streamed=streamed, tool=True), sim(way, split=split))
    assert answer.status_code == (200 if streamed else 403)
    for part in (KEY, DANGER, "xxx"):
        assert part.encode() not in body
    row = guarded.row(way.id)
    assert row["action"] == "block"
    assert DANGER not in json.dumps(guarded.whole(way.id)["response"])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_gets_no_call_out_of_forbidden_arguments(
    guarded: Any, tool_talker: Talker, trail: Any, streamed: bool
) -> None:
    text = f"use the tool with {json.dumps({KEY: 'x' * 60, 'command': DANGER})}"
    if not streamed:
        with pytest.raises(tool_talker.refused):
            tool_talker.say(text, streamed=False, headers=sim(trail()), tool=True)
        return
    said = tool_talker.say(text, streamed=True, headers=sim(trail()), tool=True)
    assert said.arguments in ("", "{")  # a brace of ours: what is left open can't be run
    assert said.finish == tool_talker.filtered


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("split", [0, 3])
def test_other_arguments_arrive_whole(
    guarded: Any, tool_talker: Talker, trail: Any, streamed: bool, split: int
) -> None:
    arguments = {KEY: 'quo"ted \\ é 🌙' * 9, "command": "run it now", "deep": [{"n": 1.5}, None, True]}
    way = trail()
    said = tool_talker.say(
        f"use the tool with {json.dumps(arguments)}", streamed=streamed, headers=sim(way, split=split), tool=True
    )
    assert json.loads(said.arguments) == arguments
    assert said.finish != tool_talker.filtered
    assert guarded.row(way.id)["action"] == "allow"


def test_an_answer_that_is_fine_keeps_its_bytes(guarded: Any, world: Any, trail: Any) -> None:
    """Guarded, held where it is whole, and nothing of it changed."""
    events = (
        b": hello\r\n\r\n"
        b'data: {"choices":[{"index":0,"delta":{"content":"caf\\u00e9 \xf0\x9f\x8c\x99"}}] , "x":1.0}\r\n\r\n'
        b'data:{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b"data: [DONE]\n\n"
    )
    whole = b'{ "id":"x", "choices":[{"index":0,"message":{"content":"ok \\u00e9"}, "finish_reason":"stop"}]}  '
    body = {"model": "acme-1", "messages": [{"role": "user", "content": "Hi"}]}
    path = "/block/v1/chat/completions"

    def stream(asked: Any) -> None:
        asked.begin_stream()
        for at in range(0, len(events), 7):
            asked.chunk(events[at : at + 7])
        asked.end_stream()

    with guarded.client() as web:
        world.origin.routes[path] = stream
        url = f"https://llm.acme.example{path}"
        assert web.post(url, json={**body, "stream": True}).content == events
        world.origin.routes[path] = lambda asked: asked.answer(whole, "content-type: application/json")
        assert web.post(url, json=body).content == whole
