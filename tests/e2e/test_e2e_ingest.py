"""Told over HTTP to a running house: priced, threaded, inspected and masked as the proxy's calls are, and kept once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.planted import stored

SECRET = "AKIA" + "Q3EGRXZ7VWKLM2NP"
CHAT = "https://api.openai.com/v1/chat/completions"
ASKED = {"role": "user", "content": "Does it rain in Lisbon?"}
CALLED = {"id": "call_0199c0de5e55", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
BROUGHT = {"role": "tool", "tool_call_id": "call_0199c0de5e55", "name": "weather", "content": f"rain; key {SECRET}"}


@pytest.fixture(scope="module")
def house(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with house_in(tmp_path_factory.mktemp("told")) as house:
        yield house


def told(house: Any, *calls: dict[str, Any]) -> list[str]:
    answer = httpx.post(f"{house.console}/api/v1/ingest", json={"calls": list(calls)}, timeout=60, trust_env=False)
    assert answer.status_code == 202, answer.text
    return list(answer.json()["ids"])


def plain(**more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    return {"provider": "openai", "model": "gpt-5-mini", "messages": [ASKED], "output": "Yes.", "usage": usage, **more}


def test_a_told_conversation_is_priced_threaded_and_inspected(house: Any) -> None:
    answered = {"choices": [{"index": 0, "message": CALLS, "finish_reason": "tool_calls"}]}
    wire = {
        "url": f"{CHAT}?key={SECRET}",
        "request": {"model": "gpt-5-mini", "messages": [ASKED]},
        "response": {"model": "gpt-5-mini", "usage": {"prompt_tokens": 1000, "completion_tokens": 100}, **answered},
        "app": "told",
    }
    first, second = told(house, wire, plain(messages=[ASKED, CALLS, BROUGHT], app="told"))
    house.ask({"op": "sync"})
    rows = {row["id"]: row for row in house.traces() if row["app"] == "told"}
    assert set(rows) == {first, second}
    assert rows[second]["trace_id"] == rows[first]["trace_id"]
    assert rows[second]["parent_id"] == first
    assert [span["name"] for span in rows[second]["tool_spans"]] == ["weather"]
    assert [rows[item]["cost_usd"] for item in (first, second)] == [0.00045, 0.00045]
    assert rows[second]["findings"]
    assert SECRET not in stored(house.home.root / "midwatch.db")
    assert SECRET not in house.log


def test_a_batch_that_is_sent_twice_is_kept_once(house: Any) -> None:
    batch = [plain(key=f"k{number}", started_at="2026-11-01T12:00:00Z", app="twice") for number in range(3)]
    assert told(house, *batch) == told(house, *batch)
    assert len(house.rows(app="twice")) == 3


def test_what_was_taken_survives_the_end_of_control(house: Any, waiting: Any) -> None:
    pid = house.ask({"op": "status"})["pid"]
    ids = told(house, *(plain(app="survivor") for _ in range(100)))
    os.kill(pid, signal.SIGKILL)
    waiting(lambda: (house.ask({"op": "status"}) or {"pid": pid})["pid"] != pid, "control to be back")
    rows = waiting(lambda: len(found := house.rows(app="survivor")) >= len(ids) and found, "all to be stored")
    assert sorted(row["id"] for row in rows) == sorted(ids)


def test_a_text_is_scanned_under_the_policy_in_use(house: Any) -> None:
    sent = {"text": f"the key is {SECRET}", "where": "tool_result"}
    answer = httpx.post(f"{house.console}/api/v1/scan", json=sent, timeout=60, trust_env=False)
    (result,) = answer.json()["results"]
    assert {finding["category"] for finding in result["findings"]} == {"secret"}
    assert result["action"] == "flag"
