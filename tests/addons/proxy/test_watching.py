"""Watching: calls are told from other traffic, tapped without a byte changed, journalled once and before their end."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.test import tflow

from midwatch.proxy.journaling import Journalist
from midwatch.proxy.watching import OVERSIZE
from midwatch_core.model.content import FinishReason
from midwatch_core.model.exchange import Exchange, Transport
from tests.addons.proxy.conftest import ANSWER, QUESTION, Watch, answer_head, make_flow

CHUNKS = st.lists(st.binary(min_size=1, max_size=80), max_size=6)
STREAMED = orjson.dumps({**QUESTION, "stream": True})
EVENTS = [
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]


class BurningJournalist(Journalist):
    def write(self, exchange: Exchange) -> None:
        raise OSError("disk on fire")


def ask(watch: Watch, flow: http.HTTPFlow) -> http.HTTPFlow:
    watch.begin(flow)
    watch.addon.request(flow)
    return flow


def respond(watch: Watch, flow: http.HTTPFlow, **head: Any) -> Callable[[bytes], bytes]:
    answer_head(flow, **head)
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    tap = flow.response.stream
    assert callable(tap)
    return tap  # type: ignore[return-value]


def respond_whole(watch: Watch, flow: http.HTTPFlow, **head: Any) -> Callable[[bytes], bytes]:
    length = {"content_length": str(len(ANSWER))}
    return respond(watch, flow, content_type="application/json", **{**length, **head})


def respond_stream(watch: Watch, flow: http.HTTPFlow) -> Callable[[bytes], bytes]:
    return respond(watch, flow, content_type="text/event-stream")


async def test_a_whole_answer_is_journalled_with_its_last_byte(watch: Watch) -> None:
    flow = ask(watch, make_flow(headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}))
    assert not flow.request.stream
    tap = respond_whole(watch, flow)
    assert tap(ANSWER[:-1]) == ANSWER[:-1]
    assert watch.journalled() == []
    assert tap(ANSWER[-1:]) == ANSWER[-1:]
    (exchange,) = watch.journalled()
    assert (exchange.endpoint.provider, exchange.model, exchange.status) == ("openai", "gpt-4o", 200)
    assert (exchange.trace_id, exchange.identity.app) == ("a" * 32, "OpenAI/Python")
    assert tap(b"") == b""
    watch.addon.response(flow)
    watch.addon.error(flow)
    assert watch.journalled() == []


async def test_an_answer_without_length_is_journalled_at_the_end_of_its_body(watch: Watch) -> None:
    flow = ask(watch, make_flow())
    tap = respond(watch, flow, content_type="application/json")
    tap(ANSWER)
    assert watch.journalled() == []
    tap(b"")
    (exchange,) = watch.journalled()
    assert exchange.response is not None
    assert exchange.response.complete


async def test_a_stream_is_journalled_before_its_terminal_event_goes_out(watch: Watch) -> None:
    tap = respond_stream(watch, ask(watch, make_flow(body=STREAMED)))
    for event in EVENTS[:-1]:
        assert tap(event) is event
    assert watch.journalled() == []
    assert tap(EVENTS[-1]) is EVENTS[-1]
    (exchange,) = watch.journalled()
    assert (exchange.streamed, exchange.transport) == (True, Transport.SSE)
    assert exchange.response is not None
    assert exchange.response.finish_reason is FinishReason.STOP
    assert exchange.timing.ttft_ms is not None


async def test_a_client_that_closes_at_done_is_no_error(watch: Watch) -> None:
    flow = ask(watch, make_flow(body=STREAMED))
    tap = respond_stream(watch, flow)
    for event in EVENTS:
        tap(event)
    flow.error = mflow.Error("Client disconnected.")
    watch.addon.error(flow)
    (exchange,) = watch.journalled()
    assert exchange.error is None


@pytest.mark.parametrize("events", [0, 1])
async def test_a_client_that_leaves_midway_is_journalled_with_what_it_had(watch: Watch, events: int) -> None:
    flow = ask(watch, make_flow(body=STREAMED))
    tap = respond_stream(watch, flow)
    for event in EVENTS[:events]:
        tap(event)
    flow.error = mflow.Error("Client disconnected.")
    watch.addon.error(flow)
    (exchange,) = watch.journalled()
    assert (exchange.error, exchange.status) == ("Client disconnected", 200)
    assert exchange.response is not None
    assert [segment.text for segment in exchange.response.segments] == ["Hel"] * events


async def test_a_call_that_nobody_answered(watch: Watch) -> None:
    flow = ask(watch, make_flow())
    flow.error = mflow.Error("Connection refused")
    watch.addon.error(flow)
    (exchange,) = watch.journalled()
    assert (exchange.status, exchange.response, exchange.error) == (None, None, "Connection refused")


@pytest.mark.parametrize("head", [{"content_length": "0"}, {}])
async def test_an_answer_without_a_body(watch: Watch, head: dict[str, str]) -> None:
    """mitmproxy taps no body that the head says is empty: the `response` hook is next."""
    flow = ask(watch, make_flow())
    respond(watch, flow, status=500, **head)
    assert len(watch.journalled()) == len(head)
    watch.addon.response(flow)
    assert len(watch.journalled()) == 1 - len(head)


@pytest.mark.parametrize(
    "flow",
    [
        make_flow(path="/v1/models", method="GET", body=b""),
        make_flow(path="/login"),
        make_flow(host="other.example", path="/"),
        tflow.twebsocketflow(),
    ],
    ids=["models", "login", "other host", "websocket"],
)
async def test_other_traffic_streams_through_and_is_not_recorded(watch: Watch, flow: http.HTTPFlow) -> None:
    ask(watch, flow)
    assert flow.request.stream
    answer_head(flow, content_type="text/html")
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    assert flow.response.stream is True
    watch.addon.response(flow)
    watch.addon.error(flow)
    assert watch.journalled() == []


@pytest.mark.parametrize(("body", "seen"), [(orjson.dumps(QUESTION), 1), (b'{"prompt":"x"}', 0), (b"[1]", 0)])
async def test_elsewhere_a_call_is_known_by_its_shape(watch: Watch, body: bytes, seen: int) -> None:
    flow = ask(watch, make_flow(host="gpu.lan", body=body))
    answer_head(flow, content_type="application/json", content_length=str(len(ANSWER)))
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    if callable(flow.response.stream):
        flow.response.stream(ANSWER)
    assert [exchange.endpoint.provider for exchange in watch.journalled()] == ["self_hosted"] * seen


async def test_a_request_too_large_to_hold_passes_unread_and_is_marked(watch: Watch) -> None:
    flow = make_flow()
    watch.begin(flow)
    flow.request.stream = True  # as `stream_large_bodies` does
    flow.request.raw_content = None
    watch.addon.request(flow)
    respond_whole(watch, flow)(ANSWER)
    (exchange,) = watch.journalled()
    assert exchange.decode_error == OVERSIZE
    assert exchange.status == 200


async def test_one_that_is_answered_before_its_end_is_seen_once(watch: Watch) -> None:
    flow = make_flow()
    watch.begin(flow)
    flow.request.stream = True
    flow.request.raw_content = None
    tap = respond_whole(watch, flow, status=413)
    watch.addon.request(flow)
    tap(ANSWER)
    watch.addon.response(flow)
    (exchange,) = watch.journalled()
    assert (exchange.status, exchange.decode_error) == (413, OVERSIZE)


async def test_an_application_is_named_for_its_connection(watch: Watch) -> None:
    flow = make_flow()
    connect = tflow.tflow(client_conn=flow.client_conn)
    connect.request.headers["proxy-authorization"] = "Basic bmlnaHRseTo="
    watch.admitting.http_connect(connect)
    respond_whole(watch, ask(watch, flow))(ANSWER)
    (exchange,) = watch.journalled()
    assert exchange.identity.app == "nightly"


async def test_without_tls_each_request_names_it_and_the_name_goes_no_further(watch: Watch) -> None:
    flow = make_flow(headers={"proxy-authorization": "Basic bmlnaHRseTo="})
    flow.request.scheme = "http"
    respond_whole(watch, ask(watch, flow))(ANSWER)
    (exchange,) = watch.journalled()
    assert exchange.identity.app == "nightly"
    assert "proxy-authorization" not in flow.request.headers


async def test_credentials_never_reach_the_journal(watch: Watch) -> None:
    secret = "sk-a-credential"
    headers = {"authorization": f"Bearer {secret}", "x-api-key": secret, "cookie": f"session={secret}"}
    flow = make_flow(path=f"/v1/chat/completions?key={secret}&api-version=1", headers=headers)
    respond_whole(watch, ask(watch, flow), set_cookie=secret)(ANSWER)
    (entry,) = watch.reader.poll()
    assert secret.encode() not in entry.payload


async def test_an_error_of_ours_lets_the_bytes_go_on(watch: Watch) -> None:
    tap = respond_whole(watch, ask(watch, make_flow()))
    watch.settling.journalist = BurningJournalist(watch.writer)
    assert tap(ANSWER) is ANSWER
    assert tap(b"") == b""
    assert watch.guard.records["watching.tap"].last_error == "OSError: disk on fire"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300), CHUNKS, st.sampled_from(["json", "sse"]))
async def test_any_bytes_pass_unchanged_and_are_journalled_once(
    watch: Watch, body: bytes, chunks: list[bytes], kind: str
) -> None:
    flow = ask(watch, make_flow(body=body))
    tap = respond_stream(watch, flow) if kind == "sse" else respond(watch, flow, content_type="application/json")
    assert [tap(chunk) for chunk in chunks] == chunks
    tap(b"")
    watch.addon.response(flow)
    assert len(watch.journalled()) == 1
    assert not [name for name, record in watch.guard.records.items() if record.failures]


class FullJournalist(Journalist):
    refuses = True  # as on a full disk with `when_full: refuse`


async def test_calls_are_refused_in_their_dialect_where_none_can_be_kept(watch: Watch) -> None:
    watch.settling.journalist = FullJournalist(watch.writer)
    flow = ask(watch, make_flow())
    assert flow.response is not None
    assert flow.response.status_code == 503
    error = orjson.loads(flow.response.content or b"")["error"]
    assert error["code"] == "journal_full"
    assert "disk is full" in error["message"]
    assert flow.response.headers["x-midwatch-request-id"]
    assert ask(watch, make_flow(path="/v1/models")).response is None
