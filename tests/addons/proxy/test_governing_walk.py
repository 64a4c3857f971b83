"""The whole walk of a governed call through the addon that watches: refused, cut or settled, and journalled so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from mitmproxy import http
from mitmproxy.test import taddons

from midwatch_core.config import Config
from midwatch_core.model.finding import Action
from tests.addons.proxy.conftest import ANSWER, OBSERVE, QUESTION, Watch, answer_head, make_flow

DONE = b"data: [DONE]\n\n"
BLOCKING = b"""
policy: {id: test}
lines:
  - {id: nothing, when: {direction: response, category: word}, then: block}
  - {id: rest, then: flag}
"""

type Make = Callable[..., Watch]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Watch] = []

    def watch(policy: bytes = OBSERVE, **settings: Any) -> Watch:
        config = Config.model_validate(settings)
        made.append(Watch(tmp_path / f"journal{len(made)}", config=config, policy=policy))
        return made[-1]

    with taddons.context():
        yield watch
    for one in made:
        await asyncio.to_thread(one.close)


async def ask(watch: Watch, **body: Any) -> http.HTTPFlow:
    flow = make_flow(body=orjson.dumps({**QUESTION, **body}))
    watch.begin(flow)
    waiting = watch.addon.request(flow)
    if waiting is not None:
        await waiting
    return flow


async def end(watch: Watch, flow: http.HTTPFlow) -> http.Response:
    """The hooks that follow an answer of ours."""
    watch.addon.responseheaders(flow)
    waiting = watch.addon.response(flow)
    if waiting is not None:
        await waiting
    assert flow.response is not None
    return flow.response


def delta(text: str) -> bytes:
    return b"data: " + orjson.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n"


@pytest.mark.parametrize("policy", [OBSERVE, BLOCKING])
async def test_a_refused_call_is_journalled_as_its_client_saw_it(make: Make, policy: bytes) -> None:
    watch = make(policy, limits=[{"id": "slow", "requests_per_s": 0.1, "burst": 1}])
    assert (await ask(watch)).response is None
    response = await end(watch, await ask(watch))
    (exchange,) = watch.journalled()
    assert (response.status_code, exchange.status, exchange.action) == (429, 429, Action.BLOCK)
    assert [(item.policy, item.policy_line) for item in exchange.verdicts] == [("limits", "slow")]
    assert response.headers["retry-after"] == "10"
    assert response.headers["x-midwatch-request-id"] == exchange.id
    assert response.headers["x-midwatch-action"] == "block"
    assert exchange.response is not None
    assert exchange.response.error is not None


@pytest.mark.parametrize("policy", [OBSERVE, BLOCKING])
async def test_a_stream_without_a_maximum_is_cut_where_its_budget_ends(make: Make, policy: bytes) -> None:
    watch = make(policy, limits=[{"id": "t", "tokens": 400}], governance={"assumed_output_tokens": 100})
    flow = await ask(watch, stream=True)
    answer_head(flow, content_type="text/event-stream")
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    assert callable(flow.response.stream)
    out = b"".join(piece for _ in range(20) for piece in flow.response.stream(delta("a" * 30)))  # type: ignore[misc]
    assert b"rate_limit_exceeded" in out
    assert out.endswith(DONE)
    (exchange,) = watch.journalled()
    assert [(item.action, item.policy_line) for item in exchange.verdicts] == [(Action.CUT, "t")]


async def test_calls_at_once_let_go_when_answers_end_or_connections_break(make: Make) -> None:
    watch = make(limits=[{"id": "c", "concurrent": 1}])
    first = await ask(watch)
    assert (await ask(watch)).response is not None
    answer_head(first, content_type="application/json", content_length=str(len(ANSWER)))
    watch.addon.responseheaders(first)
    assert first.response is not None
    assert callable(first.response.stream)
    assert first.response.stream(ANSWER) == ANSWER
    second = await ask(watch)
    assert second.response is None
    watch.addon.error(second)
    assert (await ask(watch)).response is None
