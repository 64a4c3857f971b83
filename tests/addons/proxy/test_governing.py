"""Governing flows: refusals that clients heed, streams counted and cut, and what was not used given back."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from mitmproxy import http

from midwatch.lean.cut_streams import CUT
from midwatch.proxy import bridge
from midwatch.proxy.governing.governance import Governance
from midwatch.proxy.governing.metering import METER
from midwatch.proxy.guarding import REFUSED, Guarding
from midwatch.proxy.numbers import WORKER
from midwatch_core import Cost, Exchange, Usage, hookimpl
from midwatch_core.call import Call, Opening
from midwatch_core.config import Config
from midwatch_core.enforcement import Enforcer
from midwatch_core.engine import Engine
from midwatch_core.governing.crossings import Crossing
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.hosting import Plugins
from midwatch_core.ids import uuid7
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Endpoint
from midwatch_core.model.finding import Action
from midwatch_core.model.identity import Identity
from midwatch_core.policy import Policy
from midwatch_core.sealing import Sealer, Sealers
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.target import Target
from midwatch_memory.cache import MemoryCache
from tests.addons.proxy.conftest import QUESTION, answer_head, make_flow
from tests.core.governing.governed import Remote, StoppedClock, price

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
DONE = b"data: [DONE]\n\n"


class Prices:
    @hookimpl
    def price(self, exchange: Exchange) -> Cost | None:
        return price(exchange)


@dataclass
class Worker:
    """What a worker has of limits and budgets, and flows that go through it."""

    settings: dict[str, Any]
    remote: bool = False
    clock: StoppedClock = field(default_factory=StoppedClock)
    metrics: Metrics = field(default_factory=Metrics)
    crossed: list[Crossing] = field(default_factory=list)

    async def start(self) -> Worker:
        self.metrics.declare(WORKER)
        self.plugins = Plugins()
        self.plugins.add("prices", Prices)
        self.plugins.activate({})
        self.cache: Remote | MemoryCache = Remote(self.clock) if self.remote else MemoryCache(self.clock)
        self.own = MemoryCache(self.clock)
        await self.cache.start()
        await self.own.start()
        self.governance = Governance(
            Config.model_validate(self.settings),
            cache=self.cache,
            own=self.own,
            plugins=self.plugins,
            spending=self._spent,
            clock=self.clock,
            metrics=self.metrics,
            tell=self.crossed.append,
        )
        self.governing = self.governance.governing
        return self

    async def _spent(self, seed: BudgetSeed) -> int:
        return 0

    def call(self, flow: http.HTTPFlow, dialect: str = "openai.chat", tenant: str = "acme") -> Call:
        """The call that a flow's request is, as the addon that watches opens it."""
        chosen = DIALECTS[dialect]
        target = Target(host="api.openai.com", path=flow.request.path, method="POST")
        encoding = flow.request.headers.get("content-encoding", "")
        decoded = decode_request(chosen, flow.request.raw_content or b"", target, encoding)
        endpoint = Endpoint(provider="openai", dialect=dialect, host=target.host, port=443, path=target.path)
        return Call(
            Opening(
                id=uuid7(self.clock.at.timestamp()),
                started_at=self.clock.at,
                began_s=self.clock.monotonic(),
                endpoint=endpoint,
                identity=Identity(tenant=tenant),
                dialect=chosen,
                decoded=decoded,
            )
        )

    async def ask(self, flow: http.HTTPFlow, call: Call | None = None, **kind: str) -> Call:
        call = call or self.call(flow, **kind)
        waiting = self.governing.admit(flow, call)
        if waiting is not None:
            await waiting
        return call

    def end(self, call: Call, *, error: str | None = None, usage: Usage | None = None) -> Exchange:
        """The end of a call, as it is journalled."""
        exchange = call.settle(Sealer(b"key", "acme"), self.clock.monotonic(), error=error)
        assert exchange is not None
        if usage is not None:
            assert exchange.response is not None
            exchange = replace(exchange, response=replace(exchange.response, usage=usage))
        return self.governing.settled(call, exchange)

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        return {sample.labels: sample.values[0] for sample in self.metrics.samples() if sample.name == name}


def budget(usd: str, **changes: Any) -> dict[str, Any]:
    return {"limits": [], "budgets": [{"id": "monthly", "usd": Decimal(usd), **changes}]}


def asking(maximum: int | None = 100, **changes: Any) -> http.HTTPFlow:
    limits = {} if maximum is None else {"max_tokens": maximum}
    return make_flow(body=orjson.dumps({**QUESTION, **limits, **changes}))


def error_of(flow: http.HTTPFlow) -> Any:
    assert flow.response is not None
    return orjson.loads(flow.response.content or b"")["error"]


async def test_a_call_over_its_limit_is_told_when_to_come_again() -> None:
    worker = await Worker({"limits": [{"id": "slow", "requests_per_s": 0.4, "burst": 1}]}).start()
    first = asking()
    await worker.ask(first)
    assert first.response is None
    flow = asking()
    call = await worker.ask(flow)
    assert flow.response is not None
    assert flow.response.status_code == 429
    assert (flow.response.headers["retry-after"], flow.response.headers["retry-after-ms"]) == ("3", "2500")
    assert "x-should-retry" not in flow.response.headers
    assert flow.response.headers["x-midwatch-action"] == "block"
    error = error_of(flow)
    assert (error["type"], error["code"], error["request_id"]) == ("rate_limit_error", "rate_limit_exceeded", call.id)
    assert "limit slow (0.4 requests a second, 1 at once)" in error["message"]
    assert flow.metadata[REFUSED].code == "rate_limit_exceeded"
    assert worker.counted("midwatch_limited_total") == {("slow",): 1}


async def test_a_refused_call_is_on_record_with_its_rule() -> None:
    worker = await Worker({"limits": [{"id": "slow", "requests_per_s": 1, "burst": 1}]}).start()
    await worker.ask(asking())
    exchange = worker.end(await worker.ask(asking()))
    (verdict,) = exchange.verdicts
    assert (verdict.action, verdict.policy, verdict.policy_line) == (Action.BLOCK, "limits", "slow")
    assert "Request id" not in (verdict.reason or "")
    assert exchange.status == 429
    assert exchange.response is not None
    assert exchange.response.error is not None


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai.chat", QUESTION),
        ("openai.responses", {"model": "gpt-5", "input": "Hi"}),
        ("anthropic.messages", {"model": "c", "messages": [], "max_tokens": 9}),
        ("gemini.generate_content", {"contents": []}),
        ("ollama.chat", {"model": "l", "messages": []}),
    ],
)
async def test_a_spent_budget_asks_clients_not_to_try_again(dialect: str, body: dict[str, Any]) -> None:
    worker = await Worker({**budget("0.003"), "governance": {"assumed_output_tokens": 100}}).start()
    for _ in range(15):  # none of them is settled: all stay spent
        flow = make_flow(body=orjson.dumps(body))
        await worker.ask(flow, dialect=dialect)
    response = flow.response
    assert response is not None
    assert (response.status_code, response.headers["x-should-retry"]) == (429, "false")
    assert response.headers["retry-after"] == str((5 * 24 + 12) * 3600)  # from noon of the 25th to the month's end
    assert b"budget_exceeded" in (response.content or b"")
    assert b"before the month ends" in (response.content or b"")


async def test_a_call_that_never_fits_is_told_what_to_change() -> None:
    worker = await Worker({"limits": [{"id": "small", "tokens": 50}]}).start()
    flow = asking()
    await worker.ask(flow)
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.headers["x-should-retry"]) == (429, "false")
    assert "retry-after" not in flow.response.headers
    assert "set a smaller maximum of output" in error_of(flow)["message"]


async def test_a_refusal_tells_nothing_of_what_others_used() -> None:
    worker = await Worker(budget("0.01")).start()
    for _ in range(20):
        flow = asking()
        await worker.ask(flow)
    message = error_of(flow)["message"]
    assert message.startswith("Midwatch's budget monthly (0.01 US dollars a month) has no room for this call, which ")


async def test_what_a_call_did_not_use_is_given_back_and_counted() -> None:
    worker = await Worker(budget("1")).start()
    flow = asking()
    call = await worker.ask(flow)
    answer_head(flow, content_type="application/json")
    assert not worker.governing.answer(flow, call, None, settle=lambda: None)
    call.respond(bridge.head_of(flow))
    worker.end(call, usage=Usage(input_tokens=10, output_tokens=2))
    (reserved,) = worker.counted("midwatch_budget_reserved_usd_total").values()
    assert reserved == pytest.approx((len(flow.request.raw_content or b"") * 3.75 + 100 * 15) / 10**6)
    assert worker.counted("midwatch_budget_used_usd_total") == {("monthly",): pytest.approx(60 / 10**6)}
    assert call.governed is None


async def test_a_call_that_failed_on_the_way_gives_all_back() -> None:
    worker = await Worker(budget("1")).start()
    call = await worker.ask(asking())
    worker.end(call, error="connection refused")
    assert worker.counted("midwatch_budget_used_usd_total") == {("monthly",): 0}
    left = await worker.ask(asking())
    worker.end(left, error="Client disconnected")
    assert worker.counted("midwatch_budget_used_usd_total")[("monthly",)] > 0


async def test_a_compressed_request_counts_as_large_as_it_is() -> None:
    worker = await Worker({"limits": [{"id": "t", "tokens": 5000}]}).start()
    flow = make_flow(headers={"content-encoding": "gzip"})
    flow.request.raw_content = gzip.compress(orjson.dumps({**QUESTION, "max_tokens": 1, "pad": " " * 6000}))
    assert len(flow.request.raw_content) < 500
    await worker.ask(flow)
    assert flow.response is not None
    flow = make_flow(body=b"small")
    flow.request.headers["content-encoding"] = "unheard-of"
    await worker.ask(flow)
    assert flow.response is not None


async def test_a_request_that_streams_on_unread_ends_where_its_budget_has_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = await Worker(budget("100")).start()
    killed: list[str] = []
    for length, dies in ((None, True), ("1000", False), ("40000000", True)):
        flow = asking()
        call = worker.call(flow)
        flow.request.stream, flow.request.raw_content = True, None
        del flow.request.headers["content-length"]
        if length is not None:
            flow.request.headers["content-length"] = length
        flow.live = True
        monkeypatch.setattr(flow, "kill", lambda: killed.append("killed"))
        await worker.ask(flow, call)
        assert (bool(killed), flow.response) == (dies, None)
        killed.clear()


async def test_without_rules_nothing_is_asked() -> None:
    worker = await Worker({"limits": []}).start()
    flow = asking()
    call = worker.call(flow)
    assert worker.governing.admit(flow, call) is None
    assert call.governed is None
    assert worker.plugins.guard.records.get("governing.admit") is None


async def test_a_cache_elsewhere_is_waited_for() -> None:
    worker = await Worker({"limits": [{"id": "slow", "requests_per_s": 1, "burst": 1}]}, remote=True).start()
    for expected in (False, True):
        flow = asking()
        waiting = worker.governing.admit(flow, worker.call(flow))
        assert waiting is not None
        await waiting
        assert (flow.response is not None) is expected


async def test_while_the_cache_is_away_calls_pass_counted_here_or_are_refused() -> None:
    settings = {"limits": [{"id": "slow", "requests_per_s": 1, "burst": 1}]}
    worker = await Worker(settings, remote=True).start()
    worker.cache.away = True  # type: ignore[union-attr]
    flows = [asking(), asking()]
    for flow in flows:
        await worker.ask(flow)
    assert [flow.response is not None for flow in flows] == [False, True]
    assert worker.counted("midwatch_limits_fallback_total") == {(): 2}
    worker.governance.follow(Config.model_validate({**settings, "governance": {"when_unavailable": "refuse"}}))
    flow = asking()
    await worker.ask(flow)
    assert flow.response is not None
    assert (flow.response.status_code, error_of(flow)["code"]) == (503, "limits_unavailable")
    assert worker.counted("midwatch_limited_total")[("(away)",)] == 1


async def test_an_error_of_ours_lets_the_call_pass_unless_told_to_refuse() -> None:
    worker = await Worker({}).start()
    await worker.cache.close()
    flow = asking()
    await worker.ask(flow)
    assert flow.response is None
    assert worker.plugins.guard.records["governing.admit"].failures == 1
    worker.governance.follow(Config.model_validate({"governance": {"when_unavailable": "refuse"}}))
    exchange = worker.end(await worker.ask(flow))
    assert (exchange.status, exchange.action) == (503, Action.BLOCK)


async def test_rules_that_are_read_anew_hold_for_the_next_call() -> None:
    worker = await Worker({"limits": []}).start()
    await worker.ask(asking())
    worker.governance.follow(Config.model_validate({"limits": [{"id": "s", "tokens": 1}]}))
    flow = asking()
    await worker.ask(flow)
    assert flow.response is not None


async def test_budgets_that_fill_up_are_told_of() -> None:
    worker = await Worker(budget("0.0012")).start()
    await worker.ask(asking(maximum=50))
    assert [item.percent for item in worker.crossed] == [50, 80]
    assert worker.counted("midwatch_budget_crossed_total") == {("monthly", "50"): 1, ("monthly", "80"): 1}


def delta(text: str) -> bytes:
    return b"data: " + orjson.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n"


STREAM = [delta("a" * 30) for _ in range(20)]
OPEN = {"governance": {"assumed_output_tokens": 100}}


@dataclass
class Stream:
    """A streamed answer of a call without a maximum, through the meter."""

    worker: Worker
    flow: http.HTTPFlow
    call: Call
    settled: list[Exchange] = field(default_factory=list)

    def pass_on(self, *chunks: bytes) -> bytes:
        response = self.flow.response
        assert response is not None
        assert callable(response.stream)
        stream: Callable[[bytes], list[bytes]] = response.stream  # type: ignore[assignment]
        return b"".join(piece for chunk in chunks for piece in stream(chunk))

    def settle(self) -> None:
        if not self.call.settled:
            self.settled.append(self.worker.end(self.call))


async def streaming(settings: dict[str, Any], *, remote: bool = False, **headers: str) -> Stream:
    worker = await Worker({**OPEN, **settings}, remote=remote).start()
    flow = asking(maximum=None, stream=True)
    call = await worker.ask(flow)
    assert flow.response is None
    made = Stream(worker, flow, call)
    answer_head(flow, content_type="text/event-stream", **headers)  # type: ignore[arg-type]
    assert worker.governing.answer(flow, call, None, settle=made.settle)
    return made


async def test_a_stream_with_room_passes_byte_for_byte_and_asks_for_more_in_time() -> None:
    stream = await streaming({"limits": [{"id": "t", "tokens": 10_000}]})
    chunks = [*STREAM, b": alive\n\n", DONE]
    assert stream.pass_on(*chunks, b"") == b"".join(chunks)
    (exchange,) = stream.settled
    assert exchange.verdicts == ()
    assert not exchange.response or exchange.response.complete


async def test_a_refused_slice_cuts_when_what_was_reserved_is_used_up() -> None:
    stream = await streaming({"limits": [{"id": "t", "tokens": 450}]})
    out = stream.pass_on(*STREAM, DONE, b"")
    body = len(stream.flow.request.raw_content or b"")
    reserved = 100 * (1 + (450 - body - 100) // 100)
    assert out.startswith(b"".join(STREAM[: reserved // 30]))
    assert out.count(b"a" * 30) == reserved // 30
    assert out.endswith(DONE)
    assert b'"midwatch":{' in out
    assert b"rate_limit_exceeded" in out
    assert stream.flow.metadata[CUT]
    (exchange,) = stream.settled
    (verdict,) = exchange.verdicts
    assert (verdict.action, verdict.policy, verdict.policy_line) == (Action.CUT, "limits", "t")
    assert stream.worker.counted("midwatch_limited_total") == {("t",): 1}


async def test_a_cache_elsewhere_cuts_when_its_answer_comes() -> None:
    stream = await streaming({"limits": [{"id": "t", "tokens": 300}]}, remote=True)
    out = b""
    for chunk in STREAM:
        out += stream.pass_on(chunk)
        await asyncio.sleep(0.001)
    assert stream.flow.metadata[CUT]
    body = len(stream.flow.request.raw_content or b"")
    assert out.count(b"a" * 30) == 100 * (1 + (300 - body - 100) // 100) // 30
    await stream.worker.governing.close()


async def test_a_compressed_stream_is_counted_and_goes_on_in_clear() -> None:
    stream = await streaming({"limits": [{"id": "t", "tokens": 10_000}]}, content_encoding="gzip", content_length="9")
    packed = gzip.compress(b"".join([*STREAM, DONE]))
    assert stream.pass_on(packed[:50], packed[50:], b"") == b"".join([*STREAM, DONE])
    assert stream.flow.response is not None
    assert "content-encoding" not in stream.flow.response.headers


@pytest.mark.parametrize(
    ("settings", "body", "status"),
    [
        ({"limits": [{"id": "t", "tokens": 10_000}]}, {"max_tokens": 10}, 200),
        ({"limits": [{"id": "t", "tokens": 10_000}]}, {}, 500),
        ({"limits": [{"id": "r", "requests_per_s": 5}]}, {}, 200),
        (budget("5", hard=False), {}, 200),
    ],
)
async def test_a_stream_that_can_not_be_cut_goes_its_usual_way(
    settings: dict[str, Any], body: dict[str, Any], status: int
) -> None:
    worker = await Worker({**OPEN, **settings}).start()
    flow = asking(maximum=None, stream=True, **body)
    call = await worker.ask(flow)
    answer_head(flow, status=status, content_type="text/event-stream")
    assert not worker.governing.answer(flow, call, None, settle=lambda: None)
    assert METER not in flow.metadata


async def test_an_answer_in_a_coding_that_is_not_ours_passes_unmetered() -> None:
    worker = await Worker({**OPEN, "limits": [{"id": "t", "tokens": 10_000}]}).start()
    flow = asking(maximum=None, stream=True)
    call = await worker.ask(flow)
    answer_head(flow, content_type="text/event-stream", content_encoding="unheard-of")
    assert not worker.governing.answer(flow, call, None, settle=lambda: None)


GUARDED = b"""
policy: {id: test}
lines:
  - {id: hide, when: {direction: response, category: word}, then: redact}
  - {id: rest, then: flag}
"""


async def test_where_policy_edits_the_answer_its_editor_counts_too() -> None:
    worker = await Worker({**OPEN, "limits": [{"id": "t", "tokens": 450}]}).start()
    enforcer = Enforcer(engine=Engine(worker.plugins), policy=Policy.load(GUARDED, "p"), key=b"key", clock=worker.clock)
    guarding = Guarding(enforcer, sealers=Sealers(b"key"), guard=worker.plugins.guard, metrics=worker.metrics)
    flow = asking(maximum=None, stream=True)
    call = await worker.ask(flow)
    guard = guarding.open(flow, call)
    assert guard is not None
    stream = Stream(worker, flow, call)
    answer_head(flow, content_type="text/event-stream")
    assert not worker.governing.answer(flow, call, guard, settle=stream.settle)
    assert guarding.answer(flow, call, guard, settle=stream.settle)
    out = stream.pass_on(*STREAM, DONE, b"")
    assert out.endswith(DONE)
    assert b"rate_limit_exceeded" in out
    assert stream.flow.metadata[CUT]
    assert [(item.action, item.policy_line) for item in guard.on(stream.settled[0]).verdicts] == [(Action.CUT, "t")]
