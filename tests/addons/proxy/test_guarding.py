"""Guarding: what the core rules on bodies is done to flows; a detector that fails is passed over, or closes the way."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from mitmproxy import http
from mitmproxy.test import taddons

from midwatch.proxy.guarding import GUARD
from midwatch_core import Detection, Exchange, Finding, Part, Severity, Text, hookimpl
from midwatch_core.model.finding import Action
from midwatch_core.scan_metrics import SECONDS
from tests.addons.proxy.conftest import ANSWER, QUESTION, Watch, answer_head, make_flow

WORD = "Mellon"
POLICY = """
policy: {{id: test}}
lines:
  - {{id: stop, when: {{direction: {direction}, category: word}}, then: {then}, on_failure: {on_failure}}}
  - {{id: rest, then: flag}}
"""
SAID = ANSWER.replace(b"Hello.", b"Mellon.")


class Sees:
    """Finds the word in any text; as something to hide, where `kind` says what."""

    def __init__(self, kind: str = "") -> None:
        self._kind = kind

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        at = text.original.find(WORD)
        if at < 0:
            return []
        return [
            Detection(
                rule="test/word",
                category="word",
                severity=Severity.HIGH,
                confidence=1.0,
                message="The word",
                start=at,
                end=at + len(WORD),
                kind=self._kind,
            )
        ]


class Raises:
    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        raise RuntimeError("it broke")


class Hangs:
    @hookimpl
    async def inspect_exchange(self, exchange: Exchange) -> list[Finding]:
        await asyncio.sleep(60)
        return []


def policy(*, direction: str = "request", then: str = "block", on_failure: str = "pass") -> bytes:
    return POLICY.format(direction=direction, then=then, on_failure=on_failure).encode()


type Make = Callable[..., Watch]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Watch] = []

    def watch(*detectors: object, **line: str) -> Watch:
        made.append(Watch(tmp_path / f"journal{len(made)}", detectors=detectors, policy=policy(**line)))
        return made[-1]

    with taddons.context():
        yield watch
    for one in made:
        await asyncio.to_thread(one.close)


async def done(hook: Awaitable[None] | None) -> None:
    if hook is not None:
        await hook


def asking(text: str = "Hi", **more: Any) -> bytes:
    return orjson.dumps({**QUESTION, "messages": [{"role": "user", "content": text}], **more})


async def ask(watch: Watch, flow: http.HTTPFlow) -> http.HTTPFlow:
    watch.begin(flow)
    await done(watch.addon.request(flow))
    return flow


def encoded(raw: bytes, coding: str) -> http.HTTPFlow:
    """A request whose body is `raw` on the wire, under this content-encoding."""
    flow = make_flow(headers={"content-encoding": coding})
    flow.request.headers["content-encoding"] = coding
    flow.request.raw_content = raw
    return flow


async def answer(watch: Watch, flow: http.HTTPFlow, body: bytes, **head: Any) -> http.Response:
    """A whole answer from the provider; what the client gets."""
    answer_head(flow, content_type="application/json", content_length=str(len(body)), **head)
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    if callable(flow.response.stream):
        assert flow.response.stream(body) == body
    elif not flow.response.stream:
        flow.response.raw_content = body
        await done(watch.addon.response(flow))
    return flow.response


async def refused(watch: Watch, flow: http.HTTPFlow) -> Any:
    """The body of our refusal, after the hooks that follow it; it has been journalled once."""
    assert flow.response is not None
    assert flow.response.status_code == 403
    watch.addon.responseheaders(flow)
    await done(watch.addon.response(flow))
    (exchange,) = watch.journalled()
    assert (exchange.action, exchange.status) == (Action.BLOCK, 403)
    assert flow.response.headers["x-midwatch-request-id"] == exchange.id
    assert flow.response.headers["x-midwatch-action"] == "block"
    error = orjson.loads(flow.response.content or b"")["error"]
    assert error["request_id"] == exchange.id
    return error


def counted(watch: Watch, name: str, *labels: str) -> float:
    return sum(
        sample.values[0]
        for sample in watch.metrics.samples()
        if sample.name == name and set(labels) <= set(sample.labels)
    )


async def test_a_request_is_refused_before_it_goes_out(make: Make) -> None:
    watch = make(Sees())
    flow = await ask(watch, make_flow(body=asking(f"Speak, {WORD}!")))
    error = await refused(watch, flow)
    assert error["code"] == "blocked_by_policy"
    assert "line stop" in error["message"]
    assert WORD not in error["message"]
    (waited,) = watch.metrics.samples({SECONDS})
    assert (waited.labels, sum(waited.values[:-1])) == (("request",), 1)


@pytest.mark.parametrize("then", ["block", "cut"])
async def test_an_answer_is_refused_when_it_was_held(make: Make, then: str) -> None:
    watch = make(Sees(), direction="response", then=then)
    flow = await ask(watch, make_flow())
    response = await answer(watch, flow, SAID)
    (exchange,) = watch.journalled()
    assert (response.status_code, exchange.status) == (403, 403)
    assert exchange.action is (Action.BLOCK if then == "block" else Action.CUT)
    assert WORD.encode() not in (response.content or b"")
    assert response.headers["x-midwatch-request-id"] == exchange.id


@pytest.mark.parametrize(("direction", "held"), [("request", False), ("response", True)])
async def test_an_answer_that_is_fine_keeps_its_bytes(make: Make, direction: str, held: bool) -> None:
    """It is held only where a line may act on it."""
    watch = make(Sees(), direction=direction)
    flow = await ask(watch, make_flow())
    packed = gzip.compress(ANSWER)
    response = await answer(watch, flow, packed, content_encoding="gzip")
    assert bool(response.stream) is not held
    if held:
        assert response.raw_content == packed
    assert response.headers["content-encoding"] == "gzip"
    assert "x-midwatch-action" not in response.headers
    (exchange,) = watch.journalled()
    assert exchange.action is Action.ALLOW
    assert exchange.response is not None
    assert [segment.text for segment in exchange.response.segments] == ["Hello."]


async def test_a_call_that_no_line_could_touch_is_not_guarded(make: Make) -> None:
    watch = make(Sees(), then="flag")
    flow = await ask(watch, make_flow(body=asking(WORD)))
    assert GUARD not in flow.metadata
    assert flow.response is None


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_a_request_is_redacted_and_its_answer_labelled(make: Make, encoding: str) -> None:
    watch = make(Sees("WORD"), then="redact")
    body = asking(f"Speak, {WORD}!")
    flow = await ask(watch, encoded(gzip.compress(body), encoding) if encoding else make_flow(body=body))
    sent = flow.request.content or b""
    assert WORD.encode() not in sent
    assert b"Speak, <WORD_" in sent
    assert "content-encoding" not in flow.request.headers
    assert flow.request.headers["content-length"] == str(len(sent))
    name = orjson.loads(sent)["messages"][0]["content"].removeprefix("Speak, ").removesuffix("!")
    response = await answer(watch, flow, ANSWER.replace(b"Hello.", name.encode()))
    assert orjson.loads(response.content or b"")["choices"][0]["message"]["content"] == WORD
    assert response.headers["x-midwatch-action"] == "redact"
    assert response.headers["content-length"] == str(len(response.content or b""))
    (exchange,) = watch.journalled()
    assert exchange.action is Action.REDACT
    assert counted(watch, "midwatch_enforced_total", "redact") == 1


@pytest.mark.parametrize("detector", [Raises, Hangs])
async def test_a_detector_that_fails_is_passed_over_and_named(make: Make, detector: type) -> None:
    watch = make(Sees(), detector(), direction="request")
    watch.addon.guarding.enforcer.engine._deadline_s = 0.5
    flow = await ask(watch, make_flow())
    assert flow.response is None
    await answer(watch, flow, ANSWER)
    (exchange,) = watch.journalled()
    assert exchange.action is Action.ALLOW
    assert [item.reason for item in exchange.verdicts] == ["detectors failed: detector1"]
    assert sum(record.failures for name, record in watch.guard.records.items() if name.startswith("detector1")) == 1


@pytest.mark.parametrize("detector", [Raises, Hangs])
async def test_a_detector_that_fails_closes_the_way_where_the_line_says_so(make: Make, detector: type) -> None:
    watch = make(Sees(), detector(), on_failure="block")
    watch.addon.guarding.enforcer.engine._deadline_s = 0.5
    flow = await ask(watch, make_flow())
    error = await refused(watch, flow)
    assert error["code"] == "inspection_failed"
    assert "detector1" in error["message"]


@pytest.mark.parametrize("on_failure", ["pass", "block"])
async def test_the_same_for_an_answer(make: Make, on_failure: str) -> None:
    watch = make(Raises(), direction="response", on_failure=on_failure)
    flow = await ask(watch, make_flow())
    response = await answer(watch, flow, ANSWER)
    (exchange,) = watch.journalled()
    if on_failure == "pass":
        assert response.content == ANSWER
        assert exchange.status == 200
    else:
        assert orjson.loads(response.content or b"")["error"]["code"] == "inspection_failed"
        assert exchange.action is Action.BLOCK


@pytest.mark.parametrize("on_failure", ["pass", "block"])
@pytest.mark.parametrize("encoding", ["gzip", "snappy"])
async def test_a_body_that_cannot_be_read(make: Make, on_failure: str, encoding: str) -> None:
    """What can't be inspected is what policy says of a failure: passed as it came, or refused."""
    watch = make(Sees(), on_failure=on_failure)
    flow = await ask(watch, encoded(b"no such coding", encoding))
    assert counted(watch, "midwatch_guard_failures_total", "request") == 1
    if on_failure == "block":
        assert (await refused(watch, flow))["code"] == "inspection_failed"
    assert flow.request.raw_content == b"no such coding"


@pytest.mark.parametrize("on_failure", ["pass", "block"])
async def test_an_answer_that_cannot_be_read(make: Make, on_failure: str) -> None:
    watch = make(Sees(), direction="response", on_failure=on_failure)
    flow = await ask(watch, make_flow())
    response = await answer(watch, flow, b"no gzip", content_encoding="gzip")
    if on_failure == "pass":
        assert (response.status_code, response.raw_content) == (200, b"no gzip")
    else:
        assert response.status_code == 403
    assert counted(watch, "midwatch_guard_failures_total", "answer") == 1
    assert len(watch.journalled()) == 1


SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"


def signed(text: str, authorization: str, **headers: str) -> http.HTTPFlow:
    return make_flow(body=asking(text), headers={"authorization": authorization, **headers})


async def test_a_signed_request_is_refused_where_it_would_have_to_be_redacted(make: Make) -> None:
    watch = make(Sees("WORD"), then="redact")
    flow = await ask(watch, signed(f"Speak, {WORD}!", SIGNED))
    error = await refused(watch, flow)
    assert error["code"] == "redaction_failed"
    assert "SigV4" in error["message"]
    assert "line stop" in error["message"]
    assert WORD not in error["message"]
    assert counted(watch, "midwatch_enforced_total", "block") == 1


async def test_a_signed_request_with_nothing_to_redact_goes_out_as_it_is(make: Make) -> None:
    watch = make(Sees("WORD"), then="redact")
    flow = await ask(watch, signed("Speak, friend!", SIGNED))
    assert flow.response is None
    assert flow.request.content == asking("Speak, friend!")


@pytest.mark.parametrize(("authorization", "payload"), [("Bearer bedrock-api-key-x", ""), (SIGNED, "UNSIGNED-PAYLOAD")])
async def test_a_request_whose_body_is_not_signed_is_redacted(make: Make, authorization: str, payload: str) -> None:
    watch = make(Sees("WORD"), then="redact")
    headers = {"x-amz-content-sha256": payload} if payload else {}
    flow = await ask(watch, signed(f"Speak, {WORD}!", authorization, **headers))
    assert flow.response is None
    assert WORD.encode() not in (flow.request.content or b"")
