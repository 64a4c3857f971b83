"""Limits with real processes and client libraries: refused calls are told when to come again, and then they pass."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.budget_calls import BODY, COST, TOKENS, ask, code_of, spent, until_refused
from tests.e2e.talking import AnthropicMessages, OpenAiChat, Talker, sim

# A second call has to wait for longer than the libraries would by themselves, with all their retries.
EVERY_S = 10
WAITING: dict[str, type[Talker]] = {"bucket-openai": OpenAiChat, "bucket-anthropic": AnthropicMessages}
TOKENS_A_MINUTE = 1000
DOLLARS_AN_HOUR = 5 * COST


def limit(name: str, **kind: Any) -> dict[str, Any]:
    return {"id": name, "agents": [name], **kind}


SETTINGS: dict[str, Any] = {
    "limits": [
        *(limit(agent, requests_per_s=1 / EVERY_S, burst=1) for agent in WAITING),
        limit("at-once", concurrent=2),
        limit("leaving", concurrent=1),
        limit("tokens", tokens=TOKENS_A_MINUTE, window_s=60),
        limit("tokens-unknown", tokens=TOKENS_A_MINUTE, window_s=60),
        limit("dollars", usd=str(DOLLARS_AN_HOUR), window_s=3600),
        limit("small", tokens=50),
    ],
}


@pytest.fixture(scope="module")
def limited(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with house_in(tmp_path_factory.mktemp("limited"), settings=SETTINGS) as house:
        yield house


@pytest.fixture
def gate(world: Any) -> Iterator[tuple[str, threading.Event, list[int]]]:
    """A path whose calls are answered when the gate opens, and how many wait there."""
    path, opened, arrived = "/limits/v1/chat/completions", threading.Event(), list[int]()

    def wait(asked: Any) -> None:
        arrived.append(len(asked.body))
        opened.wait(60)
        asked.answer(b'{"choices":[{"index":0,"message":{"content":"at last"},"finish_reason":"stop"}]}')

    world.origin.routes[path] = wait
    yield f"https://llm.acme.example{path}", opened, arrived
    opened.set()
    del world.origin.routes[path]


def test_client_libraries_wait_as_long_as_they_are_told(limited: Any, trail: Callable[[], Any]) -> None:
    def wait(kind: type[Talker], agent: str) -> list[list[int]]:
        talker, ways = kind(limited), [trail(), trail()]
        for way in ways:
            said = talker.say("Say something", streamed=False, headers={**sim(way), "x-midwatch-agent": agent})
            assert said.text
        talker.close()
        return [[row["status"] for row in limited.rows(trace_id=way.id)] for way in ways]

    with ThreadPoolExecutor(2) as threads:
        waited = [threads.submit(wait, kind, agent) for agent, kind in WAITING.items()]
    # One refusal, one wait: had they come again before their time, they would have been refused again.
    assert [item.result() for item in waited] == [[[200], [200, 429]]] * 2


def test_no_more_calls_at_once_than_are_allowed(
    limited: Any, gate: tuple[str, threading.Event, list[int]], waiting: Any
) -> None:
    url, opened, arrived = gate
    headers = {"x-midwatch-agent": "at-once"}

    def call() -> int:
        with limited.client() as web:
            return int(web.post(url, json=BODY, headers=headers).status_code)

    with ThreadPoolExecutor(2) as threads, limited.client() as web:
        calls = [threads.submit(call) for _ in range(2)]
        waiting(lambda: len(arrived) == 2, "two calls at the provider")
        answer = web.post(url, json=BODY, headers=headers)
        assert (answer.status_code, code_of(answer)) == (429, "rate_limit_exceeded")
        assert answer.headers["retry-after"] == "1"
        assert "x-should-retry" not in answer.headers  # libraries try a 429 again unless told not to
        opened.set()
        assert [item.result() for item in calls] == [200, 200]
        assert web.post(url, json=BODY, headers=headers).status_code == 200


def test_a_client_that_left_is_no_call_any_more(
    limited: Any, gate: tuple[str, threading.Event, list[int]], waiting: Any
) -> None:
    url, _, arrived = gate
    headers = {"x-midwatch-agent": "leaving"}

    async def leave() -> None:
        async with httpx.AsyncClient(proxy=limited.proxy, verify=limited.trust(), timeout=60) as web:
            asking = asyncio.create_task(web.post(url, json=BODY, headers=headers))
            async with asyncio.timeout(60):
                while not arrived:
                    await asyncio.sleep(0.01)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(leave())
    assert len(arrived) == 1
    with limited.client() as web:
        waiting(lambda: ask(web, "leaving").status_code == 200, "its place to be free")


@pytest.mark.parametrize(("agent", "model"), [("tokens", "gpt-4o-mini"), ("tokens-unknown", "acme-secret-1")])
def test_tokens_a_minute(limited: Any, agent: str, model: str) -> None:
    with limited.client() as web:
        served, refusal = until_refused(web, agent, body={**BODY, "model": model})
    rows = [row for row in limited.rows(agent=agent) if row["status"] == 200]
    tokens = sum(row["input_tokens"] + row["output_tokens"] for row in rows)
    assert len(rows) == served
    # The next call may use as many as its body has bytes, and its maximum: that is what is reserved.
    assert TOKENS_A_MINUTE - TOKENS - 300 < tokens <= TOKENS_A_MINUTE
    assert code_of(refusal) == "rate_limit_exceeded"
    assert 0 < int(refusal.headers["retry-after"]) <= 62


def test_dollars_an_hour(limited: Any) -> None:
    with limited.client() as web:
        served, refusal = until_refused(web, "dollars")
    # A call reserves more than it costs: four are settled, and the fifth does not fit.
    assert served == 4
    assert spent(limited, agent="dollars") == 4 * COST <= DOLLARS_AN_HOUR
    assert code_of(refusal) == "rate_limit_exceeded"
    assert 0 < int(refusal.headers["retry-after"]) <= 3600 + 120


def test_a_call_that_never_fits_is_told_so(limited: Any) -> None:
    with limited.client() as web:
        answer = ask(web, "small")
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    assert answer.headers["x-should-retry"] == "false"
    assert "set a smaller maximum of output" in answer.json()["error"]["message"]
