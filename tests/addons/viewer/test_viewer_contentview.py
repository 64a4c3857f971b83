"""The content view: mitmproxy chooses it for calls to models alone, and it never raises."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy import contentviews, http
from mitmproxy.contentviews._registry import ContentviewRegistry
from mitmproxy.test import taddons, tflow
from mitmproxy.websocket import WebSocketData, WebSocketMessage
from wsproto.frame_protocol import Opcode

from midwatch.viewer.contentview import LlmConversation
from midwatch.viewer.reading import Reading
from midwatch_core.guarded import Guard
from tests.addons.proxy.conftest import ANSWER, answer_head, make_flow
from tests.addons.proxy.talk import UPGRADE, answer, create
from tests.core.wire.recordings import ABSENT, Recording, everything

OURS = "LLM conversation"
STREAM = (
    b'data: {"id":"c","model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


class Windows:
    """mitmproxy's views, with ours among them."""

    def __init__(self, reading: Reading, guard: Guard) -> None:
        self.registry = ContentviewRegistry()
        for view in contentviews.registry.values():
            self.registry.register(view)
        self.registry.register(LlmConversation(reading, guard))

    def show(self, message: Any, flow: http.HTTPFlow, view: str = "auto") -> tuple[str | None, str]:
        shown = contentviews.prettify_message(message, flow, view, self.registry)
        return shown.view_name, shown.text


@pytest.fixture
def windows(reading: Reading, guard: Guard) -> Any:
    with taddons.context():
        yield Windows(reading, guard)


def answered(body: bytes, flow: http.HTTPFlow | None = None, **head: Any) -> http.HTTPFlow:
    flow = flow or make_flow()
    answer_head(flow, **head)
    assert flow.response is not None
    flow.response.raw_content = body
    return flow


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (ANSWER, {"content_type": "application/json"}),
        (STREAM, {"content_type": "text/event-stream"}),
        (gzip.compress(STREAM), {"content_type": "text/event-stream", "content_encoding": "gzip"}),
    ],
    ids=["whole", "streamed", "compressed"],
)
def test_both_sides_of_a_call_are_shown_as_a_conversation(windows: Windows, body: bytes, head: dict[str, Any]) -> None:
    flow = answered(body, **head)
    view, asked = windows.show(flow.request, flow)
    assert (view, asked.splitlines()[0], asked.splitlines()[-1]) == (OURS, "openai · gpt-4o · chat", "  Hi")
    view, told = windows.show(flow.response, flow)
    assert view == OURS
    assert "finish stop" in told
    assert told.splitlines()[-1] == "  Hello."


def test_an_answer_cut_in_its_compression_is_shown_as_far_as_it_came(windows: Windows) -> None:
    cut = gzip.compress(STREAM * 50)[:-20]
    flow = answered(cut, content_type="text/event-stream", content_encoding="gzip")
    view, told = windows.show(flow.response, flow)
    assert view == OURS
    assert "Hello." in told


@pytest.mark.parametrize(
    "flow",
    [
        make_flow(host="example.org", path="/index.html"),
        make_flow(path="/v1/models", method="GET", body=b""),
        make_flow(host="example.org", body=b'{"query": "x"}'),
        tflow.tflow(),
    ],
    ids=["another-host", "no-call", "another-shape", "another-scheme"],
)
def test_other_traffic_is_left_to_the_other_views(windows: Windows, flow: http.HTTPFlow) -> None:
    answered(b'{"a": 1}', flow, content_type="application/json")
    assert windows.show(flow.request, flow)[0] != OURS
    assert windows.show(flow.response, flow)[0] != OURS
    assert windows.show(flow.request, flow, OURS) == (OURS, "This is no call to a model that Midwatch knows.")
    dns = tflow.tdnsflow()
    assert windows.show(dns.request, dns)[0] != OURS  # type: ignore[arg-type]


def test_an_answer_that_was_not_kept_is_not_invented(windows: Windows) -> None:
    flow = make_flow()
    answer_head(flow)
    assert flow.response is not None
    flow.response.raw_content = None
    assert windows.show(flow.response, flow)[1] == "Content is missing."


def test_messages_of_a_socket_are_shown_one_by_one(windows: Windows) -> None:
    flow = make_flow(path="/v1/responses", method="GET", body=b"", headers=UPGRADE)
    flow.websocket = WebSocketData()
    answer_head(flow, status=101)
    shown = []
    for item, from_client in [(create("Hi"), True), *((item, False) for item in answer("Hel", "lo."))]:
        message = WebSocketMessage(Opcode.TEXT, from_client, orjson.dumps(item))
        view, text = windows.show(message, flow)
        if view == OURS:
            shown.append(text.splitlines())
    asked, first, second, item_done, end = shown
    assert (asked[0], asked[-1]) == ("openai · gpt-5 · chat · streamed", "  Hi")
    assert (first, second, item_done) == (["assistant … Hel"], ["assistant … lo."], ["assistant … Hello."])
    assert (end[0], end[1]) == ("gpt-5-2025-08-07 · finish stop (completed)", "tokens: 5 in, 7 out")
    assert end[-1] == "  Hello."
    binary = WebSocketMessage(Opcode.BINARY, False, b"\x00\x01")
    assert windows.show(binary, flow)[0] != OURS


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from(["gzip", "br", "zstd", "none", ""]))
def test_no_bytes_make_it_raise(windows: Windows, asked: bytes, told: bytes, encoding: str) -> None:
    flow = answered(told, make_flow(body=asked), content_type="application/json", content_encoding=encoding)
    flow.websocket = WebSocketData()
    for view in ("auto", OURS):
        windows.show(flow.request, flow, view)
        windows.show(flow.response, flow, view)
        windows.show(WebSocketMessage(Opcode.TEXT, True, told), flow, view)


def every() -> list[Any]:
    found = [pytest.param(item, id=f"{number}-{item.kind}") for number, item in enumerate(everything())]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize("recording", every())
def test_every_recorded_exchange_is_shown(windows: Windows, recording: Recording) -> None:
    flow = tflow.tflow()
    method, uri = str(recording.request.head["method"]), recording.uri.partition("#")[0]
    flow.request = http.Request.make(method, uri, recording.request.body)
    flow.request.headers.update(recording.request.headers)
    flow.client_conn.sni = flow.request.host
    flow.response = http.Response.make(recording.status, b"", dict(recording.response.headers))
    flow.response.raw_content = recording.response.body
    if not recording.response.body.startswith(b"\x1f\x8b"):
        flow.response.headers.pop("content-encoding", None)
    for message in (flow.request, flow.response):
        view, text = windows.show(message, flow)
        assert view == OURS or not message.raw_content
        assert len(text.splitlines()) > 1 or not message.raw_content
        assert "not read in full" not in text
