"""Calls that listen, and calls of MCP: bound to their request, and on record only where something was said."""

from typing import Any

import orjson
import pytest
from mitmproxy import flow as mflow
from mitmproxy import http

from midwatch_core.model.content import Operation
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from midwatch_core.wire.dialects import BUILTIN
from tests.addons.proxy.conftest import Watch, answer_head, make_flow

SPEC = CatalogueSpec.model_validate(
    {
        "anywhere": [
            {
                "name": "mcp",
                "routes": [
                    {"path": "/mcp", "dialect": "mcp", "values": {"jsonrpc": "2\\.0"}},
                    {"path": "/mcp", "dialect": "mcp", "methods": ["GET"], "listens": True},
                ],
            }
        ]
    }
)
CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 1}}}
CALLED = {"jsonrpc": "2.0", "id": 3, "result": {"content": [{"type": "text", "text": "one"}]}}


@pytest.fixture
def listening(watch: Watch) -> Watch:
    watch.addon.recognising.catalogue = Catalogue([SPEC], dialects=[dialect.id for dialect in BUILTIN])
    return watch


def asked(watch: Watch, method: str, body: bytes, **headers: str) -> http.HTTPFlow:
    flow = make_flow(headers=headers)
    flow.request.method, flow.request.path, flow.request.raw_content = method, "/mcp", body
    watch.begin(flow)
    watch.addon.request(flow)
    return flow


def answered(watch: Watch, flow: http.HTTPFlow) -> Any:
    """What each chunk of a stream is given to."""
    answer_head(flow, content_type="text/event-stream")
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    assert callable(flow.response.stream)
    return flow.response.stream


def event(document: Any) -> bytes:
    return b"event: message\ndata: " + orjson.dumps(document) + b"\n\n"


async def test_a_call_is_over_with_its_own_answer(listening: Watch) -> None:
    flow = asked(listening, "POST", orjson.dumps(CALL), accept="application/json, text/event-stream")
    tap = answered(listening, flow)
    tap(event({**CALLED, "id": 4}))
    assert listening.journalled() == []
    tap(event(CALLED))
    (exchange,) = listening.journalled()
    assert exchange.request.operation is Operation.EXECUTE_TOOL
    assert exchange.request.tools == ("add",)
    assert (exchange.streamed, exchange.error, exchange.decode_error) == (True, None, None)
    assert exchange.timing.ttft_ms is not None


async def test_what_is_no_json_rpc_is_no_call(listening: Watch) -> None:
    for body in (b"grant_type=refresh_token", b'{"jsonrpc": "1.0"}', b""):
        flow = asked(listening, "POST", body)
        answer_head(flow, content_type="application/json")
        listening.addon.responseheaders(flow)
        assert flow.response is not None
        assert flow.response.stream is True
        listening.addon.response(flow)
    assert listening.journalled() == []


async def test_a_stream_that_says_nothing_leaves_no_record(listening: Watch) -> None:
    tap = answered(listening, asked(listening, "GET", b""))
    for chunk in (b": ping\n\n", b"data: hello\n\n", b""):
        assert tap(chunk) == chunk
    assert listening.journalled() == []


async def test_a_stream_that_says_something_is_one_call_that_ends_well(listening: Watch) -> None:
    flow = asked(listening, "GET", b"")
    tap = answered(listening, flow)
    tap(event(CALLED))
    assert listening.journalled() == []
    flow.error = mflow.Error("Client disconnected.")
    listening.addon.error(flow)
    (exchange,) = listening.journalled()
    assert exchange.response is not None
    assert [segment.text for segment in exchange.response.segments] == ["one"]
    assert (exchange.error, exchange.decode_error, exchange.response.complete) == (None, None, True)
