"""OTLP over HTTP: both encodings, the answers the specification asks for, and what is no request at all."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import zstandard
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from midwatch_core import AccessDeniedError, IntakeError, IntakeFullError
from midwatch_otel import Otel
from midwatch_otel.ingest.decoding import MAX_BODY_BYTES, BadBodyError, Encoding, read_message
from midwatch_otel.ingest.reading import read_request
from tests.plugins.otel.conftest import SPAN, TRACE, House, Keys, request, span

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
BOMB = gzip.compress(bytes(1024 * 1024), 6) * 100
# As an exporter writes it: ids are hex, enums and 64-bit numbers as the specification says.
BY_HAND = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeSpans": [
                {
                    "scope": {"name": "by hand"},
                    "spans": [
                        {
                            "traceId": TRACE.upper(),
                            "spanId": SPAN,
                            "parentSpanId": "",
                            "name": "chat gpt-4o",
                            "kind": 3,
                            "startTimeUnixNano": "1790000000000000000",
                            "endTimeUnixNano": 1790000001500000000,
                            "attributes": [
                                *({"key": key, "value": {"stringValue": value}} for key, value in CHAT.items()),
                                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
                            ],
                            "links": [{"traceId": TRACE, "spanId": SPAN}],
                            "status": {"code": 1},
                            "nobodyKnowsThis": {"a": 1},
                        }
                    ],
                }
            ],
        }
    ]
}


@pytest.fixture
async def web(house: House) -> AsyncIterator[httpx.AsyncClient]:
    (mount,) = Otel().mounts(house.host())
    assert mount.prefix == "/v1"
    async with client(mount.app) as made:
        yield made


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8082")


def guarded(house: House) -> httpx.AsyncClient:
    """A client of a house that asks for keys."""
    house.access = Keys()
    return client(Otel().mounts(house.host())[0].app)


def body(**more: Any) -> bytes:
    return bytes(request(span(CHAT, **more)).SerializeToString())


async def test_spans_in_protobuf_are_taken(house: House, web: httpx.AsyncClient) -> None:
    answer = await web.post("/v1/traces", content=body(), headers=PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/x-protobuf", b"")
    assert [call.model for call in house.intake.calls] == ["gpt-4o"]
    assert house.intake.sources == {"otlp"}
    assert house.counted("midwatch_otel_spans_total") == {("http", "call"): 1.0}


async def test_json_by_hand_gives_the_ids_that_protobuf_gives(house: House, web: httpx.AsyncClient) -> None:
    answer = await web.post("/v1/traces", json=BY_HAND)
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})
    await web.post("/v1/traces", content=body(), headers=PROTOBUF)
    by_json, by_protobuf = house.intake.calls
    assert by_json.whose == by_protobuf.whose
    assert by_json.whose.traceparent == f"00-{TRACE}-{SPAN}-01"
    assert by_json.started_at == by_protobuf.started_at
    assert by_json.usage is not None
    assert by_json.usage.input_tokens == 12


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(body())),
        ("deflate", zlib.compress(body())),
        ("zstd", zstandard.compress(body())),
        ("identity", body()),
    ],
)
async def test_packed_bodies_are_taken(house: House, web: httpx.AsyncClient, encoding: str, packed: bytes) -> None:
    answer = await web.post("/v1/traces", content=packed, headers=PROTOBUF | {"content-encoding": encoding})
    assert answer.status_code == 200
    assert len(house.intake.calls) == 1


async def test_nothing_in_a_request_is_a_success(web: httpx.AsyncClient) -> None:
    assert (await web.post("/v1/traces", content=b"", headers=PROTOBUF)).status_code == 200
    assert (await web.post("/v1/traces", content=b"{}", headers=JSON)).status_code == 200


async def test_what_was_refused_is_counted_in_the_answer(house: House, web: httpx.AsyncClient) -> None:
    spans = request(span(CHAT), span(CHAT))
    spans.resource_spans[0].scope_spans[0].spans[0].trace_id = b"\0" * 16
    answer = await web.post("/v1/traces", content=spans.SerializeToString(), headers=PROTOBUF)
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 1)
    assert "trace_id" in told.error_message
    assert len(house.intake.calls) == 1


async def test_one_call_at_fault_costs_the_others_nothing(house: House, web: httpx.AsyncClient) -> None:
    house.intake.faults = [IntakeError("started_at: in the future", index=1)]
    spans = request(*(span(CHAT, span_id=f"{number:016x}") for number in (1, 2, 3)))
    answer = await web.post("/v1/traces", content=spans.SerializeToString(), headers=PROTOBUF)
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (told.rejected_spans, told.error_message) == (1, "started_at: in the future")
    assert [call.whose.key for call in house.intake.calls] == [f"otlp {TRACE} {number:016x}" for number in (1, 3)]


async def test_a_full_journal_asks_to_come_again(house: House, web: httpx.AsyncClient) -> None:
    house.intake.faults = [IntakeFullError("the journal is full")]
    answer = await web.post("/v1/traces", content=json.dumps(BY_HAND), headers=JSON)
    assert (answer.status_code, answer.json()["message"]) == (503, "the journal is full")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_process_without_an_intake_says_so(house: House) -> None:
    object.__setattr__(host := house.host(), "intake", None)
    async with client(Otel().mounts(host)[0].app) as web:
        assert (await web.post("/v1/traces", content=body(), headers=PROTOBUF)).status_code == 503


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer mw_nobody"}, 401),
        ({"authorization": "Bearer mw_client_key"}, 200),
        ({"x-midwatch-key": "mw_viewer_key"}, 200),
    ],
    ids=["none", "wrong", "bearer", "own header"],
)
async def test_a_key_is_asked_for_where_the_console_asks_for_one(
    house: House, headers: dict[str, str], status: int
) -> None:
    async with guarded(house) as web:
        answer = await web.post("/v1/traces", content=body(), headers=PROTOBUF | headers)
    assert answer.status_code == status
    assert len(house.intake.callers) == (status == 200)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert b"A key is needed" in answer.content
        assert answer.headers["content-type"] == "application/x-protobuf"


async def test_who_may_not_send_calls_is_told_so(house: House, web: httpx.AsyncClient) -> None:
    house.intake.faults = [AccessDeniedError("not yours")]  # type: ignore[list-item]
    answer = await web.post("/v1/traces", json=BY_HAND)
    assert (answer.status_code, answer.json()) == (403, {"code": 7, "message": "not yours"})


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_content_type_that_a_page_can_send_is_refused(web: httpx.AsyncClient, kind: str) -> None:
    answer = await web.post("/v1/traces", content=body(), headers={"content-type": kind} if kind else {})
    assert answer.status_code == 415


async def test_a_name_that_is_not_ours_is_refused_and_no_page_elsewhere_is_let_in(web: httpx.AsyncClient) -> None:
    answer = await web.post("/v1/traces", content=body(), headers=PROTOBUF | {"host": "evil.example"})
    assert answer.status_code == 421
    asked = await web.options("/v1/traces", headers={"origin": "https://evil.example"})
    assert asked.status_code == 405
    assert not any(name.startswith("access-control") for name in asked.headers)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/traces", 405), ("POST", "/v1/other", 404), ("POST", "/v1", 404)]
)
async def test_other_methods_and_places_are_not_there(
    web: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await web.request(method, path, headers=PROTOBUF)).status_code == status


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"\xff\xff\xff garbage", PROTOBUF),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"resourceSpans": 5}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "no hex"}]}]}]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": "x", "startTimeUnixNano": "y"}]}]}]}', JSON),
        (b"not gzip", PROTOBUF | {"content-encoding": "gzip"}),
        (b"", PROTOBUF | {"content-encoding": "rot13"}),
    ],
)
async def test_what_can_t_be_read_is_a_bad_request(
    house: House, web: httpx.AsyncClient, content: bytes, headers: dict[str, str]
) -> None:
    answer = await web.post("/v1/traces", content=content, headers=headers)
    if content != b"[]":  # empty, in protobuf's eyes
        assert answer.status_code == 400
    assert answer.status_code < 500
    assert house.intake.calls == []


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (BOMB, PROTOBUF | {"content-encoding": "gzip"}),
        (gzip.compress(BOMB), PROTOBUF | {"content-encoding": "gzip, gzip"}),
        (bytes(MAX_BODY_BYTES + 1), PROTOBUF),
    ],
    ids=["bomb", "bomb in a bomb", "large"],
)
async def test_bombs_and_bodies_beyond_the_bound_are_refused(
    web: httpx.AsyncClient, content: bytes, headers: dict[str, str]
) -> None:
    assert (await web.post("/v1/traces", content=content, headers=headers)).status_code in (400, 413)


async def test_a_body_beyond_the_bound_that_does_not_say_so_is_not_held(web: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(1024 * 1024)

    assert (await web.post("/v1/traces", content=pieces(), headers=PROTOBUF)).status_code == 413


async def test_too_many_at_once_are_asked_to_come_again(house: House) -> None:
    going, reading = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> AsyncIterator[bytes]:
        reading.release()
        await going.wait()
        yield body()

    async with client(Otel().mounts(house.host())[0].app) as web, asyncio.timeout(30):
        waiting = [asyncio.create_task(web.post("/v1/traces", content=slow(), headers=PROTOBUF)) for _ in range(8)]
        for _ in waiting:
            await reading.acquire()
        answer = await web.post("/v1/traces", content=body(), headers=PROTOBUF)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        going.set()
        assert {(await item).status_code for item in waiting} == {200}


async def test_metrics_and_logs_are_answered_as_not_kept(house: House, web: httpx.AsyncClient) -> None:
    metrics = ExportMetricsServiceRequest()
    scope = metrics.resource_metrics.add().scope_metrics.add()
    scope.metrics.add(name="a").sum.data_points.add(as_int=1)
    scope.metrics.add(name="b").histogram.data_points.add(count=1)
    scope.metrics.add(name="none")
    answer = await web.post("/v1/metrics", content=metrics.SerializeToString(), headers=PROTOBUF)
    told = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_data_points) == (200, 2)
    assert "OTEL_METRICS_EXPORTER=none" in told.error_message
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add()
    answer = await web.post("/v1/logs", json=MessageToDict(logs))
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    empty = await web.post("/v1/logs", content=b"", headers=PROTOBUF)
    assert ExportLogsServiceResponse.FromString(empty.content) == ExportLogsServiceResponse()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_spans_or_a_bad_body(data: bytes) -> None:
    for encoding in Encoding:
        with contextlib.suppress(BadBodyError):
            read_request(read_message(data, encoding, ExportTraceServiceRequest()))


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceSpans", "scopeSpans", "spans", "traceId", "attributes", "value", "key"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(JSONS)
def test_any_json_is_spans_or_a_bad_body(document: Any) -> None:
    with contextlib.suppress(BadBodyError):
        read_request(read_message(json.dumps(document).encode(), Encoding.JSON, ExportTraceServiceRequest()))
