"""Messages into calls: what is set arrives, what is not has the promised default, and nothing else is raised."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import (
    Action,
    FinishReason,
    Gaps,
    Operation,
    Part,
    PlainCall,
    PlainText,
    Severity,
    Timing,
    ToolSpan,
    Transport,
    Usage,
    Whose,
    WireCall,
)
from midwatch_grpc.calls import call_of, calls_of, parsed
from midwatch_grpc.errors import UnreadableError
from midwatch_grpc.proto.midwatch.v1 import calls_pb2, scan_pb2, service_pb2

AT = datetime(2026, 11, 26, 3, 0, 0, 250_000, tzinfo=UTC)
SPAN = {
    "callId": "c1", "name": "weather", "calledBy": "e1", "path": "/messages/2", "failed": True,
    "startedAt": "2026-11-26T03:00:00.250Z", "endedAt": "2026-11-26T03:00:00.250Z",
}  # fmt: skip
RUN = ToolSpan(
    call_id="c1", name="weather", called_by="e1", started_at=AT, ended_at=AT, path="/messages/2", failed=True
)


def read(document: dict[str, Any]) -> Any:
    return call_of(ParseDict(document, calls_pb2.Call()))


def test_a_wire_call_arrives_as_it_was_sent() -> None:
    wire = {
        "url": "https://api.openai.com/v1/chat/completions", "method": "PUT", "request": "e30=", "response": "/w==",
        "requestHeaders": {"content-type": "application/json"}, "responseHeaders": {"content-encoding": "br"},
    }  # fmt: skip
    whose = dict.fromkeys(("tenant", "app", "agent", "user", "client", "session", "traceparent", "key"), "x")
    gaps = {"count": 3, "meanMs": 1.5, "p50Ms": 1, "p95Ms": 2, "maxMs": 4}
    timing = {"ttftMs": 10.5, "durationMs": 20, "gaps": gaps}
    document = {"wire": wire, "whose": whose, "startedAt": "2026-11-26T03:00:00.250Z", "timing": timing}
    assert read({**document, "status": 201, "error": "client disconnected"}) == WireCall(
        url="https://api.openai.com/v1/chat/completions",
        method="PUT",
        request=b"{}",
        response=b"\xff",
        request_headers={"content-type": "application/json"},
        response_headers={"content-encoding": "br"},
        whose=Whose(**whose),
        started_at=AT,
        timing=Timing(ttft_ms=10.5, duration_ms=20, gaps=Gaps(count=3, mean_ms=1.5, p50_ms=1, p95_ms=2, max_ms=4)),
        status=201,
        error="client disconnected",
    )


def test_a_plain_call_arrives_as_it_was_told() -> None:
    plain = {
        "provider": "acme", "model": "m", "operation": "OPERATION_EMBEDDINGS", "host": "llm.acme.example",
        "asked": [{"part": "PART_TOOL_RESULT", "text": "7 mm", "name": "weather", "callId": "c1"}],
        "answer": {"texts": [{"text": "Rain."}], "model": "m-2", "finishReason": "FINISH_REASON_LENGTH"},
        "parameters": {"n": 3, "t": 0.5, "stop": ["a", None], "deep": {"yes": True}, "big": 1e300},
        "tools": ["weather"], "usage": {"inputTokens": 0, "toolFees": {"web_search": 2}}, "costUsd": "0.00042",
        "transport": "TRANSPORT_SSE", "streamed": True, "toolSpans": [SPAN],
    }  # fmt: skip
    call = read({"plain": plain})
    assert call == PlainCall(
        provider="acme",
        model="m",
        operation=Operation.EMBEDDINGS,
        host="llm.acme.example",
        asked=(PlainText(part=Part.TOOL_RESULT, text="7 mm", name="weather", call_id="c1"),),
        answer=(PlainText(part=Part.ASSISTANT, text="Rain."),),
        response_model="m-2",
        finish_reason=FinishReason.LENGTH,
        parameters={"n": 3, "t": 0.5, "stop": ["a", None], "deep": {"yes": True}, "big": 1e300},
        tools=("weather",),
        usage=Usage(input_tokens=0, tool_fees={"web_search": 2}),
        cost_usd=Decimal("0.00042"),
        transport=Transport.SSE,
        streamed=True,
        tool_spans=(RUN,),
    )
    assert type(call.parameters["n"]) is int


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        pytest.param({"wire": {"url": "https://x"}}, False, id="wire-alone"),
        pytest.param({"wire": {"url": "https://x", "response": ""}}, True, id="wire-empty-answer"),
        pytest.param({"plain": {"provider": "x"}}, False, id="plain-alone"),
        pytest.param({"plain": {"provider": "x", "answer": {}}}, True, id="plain-empty-answer"),
    ],
)
def test_without_a_status_it_is_200_where_there_is_an_answer(body: dict[str, Any], answered: bool) -> None:
    call = read(body)
    assert call.status == (200 if answered else None)
    assert (getattr(call, "response", getattr(call, "answer", None)) is not None) is answered


PLAIN = {"provider": "x"}
WRONG = {
    "no-body": ({}, "neither wire nor plain"),
    "status": ({"plain": PLAIN, "status": 42}, "status: 42"),
    "ttft": ({"plain": PLAIN, "timing": {"ttftMs": -1}}, "ttft_ms"),
    "nan": ({"plain": PLAIN, "timing": {"durationMs": "NaN"}}, "duration_ms"),
    "gaps": ({"plain": PLAIN, "timing": {"gaps": {"maxMs": "Infinity"}}}, "max_ms"),
    "operation": ({"plain": {**PLAIN, "operation": 99}}, "operation: 99"),
    "part": ({"plain": {**PLAIN, "asked": [{"part": -1}]}}, "part: -1"),
    "finish-reason": ({"plain": {**PLAIN, "answer": {"finishReason": 77}}}, "finish_reason: 77"),
    "cost-word": ({"plain": {**PLAIN, "costUsd": "much"}}, "cost_usd"),
    "cost-negative": ({"plain": {**PLAIN, "costUsd": "-1"}}, "cost_usd"),
    "cost-nan": ({"plain": {**PLAIN, "costUsd": "NaN"}}, "cost_usd"),
    "cost-huge": ({"plain": {**PLAIN, "costUsd": "1e999999"}}, "cost_usd"),
    "cost-long": ({"plain": {**PLAIN, "costUsd": "1" * 5000}}, "cost_usd"),
    "span": ({"plain": {**PLAIN, "toolSpans": [{"name": "x"}]}}, "tool_spans"),
}


@pytest.mark.parametrize(("document", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_can_t_be_is_refused_by_name(document: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read(document)


@pytest.mark.parametrize("seconds", [2**62, -(2**62), 253402300800])
def test_a_moment_of_no_calendar_is_refused(seconds: int) -> None:
    call = calls_pb2.Call(plain=calls_pb2.PlainCall(provider="x"))
    call.started_at.seconds = seconds
    with pytest.raises(UnreadableError, match="started_at"):
        call_of(call)


def test_a_number_that_json_does_not_have_is_refused() -> None:
    call = calls_pb2.Call(plain=calls_pb2.PlainCall(provider="x"))
    call.plain.parameters["temperature"] = float("inf")
    with pytest.raises(UnreadableError, match="parameters"):
        call_of(call)


def test_the_call_at_fault_is_named_by_its_place_in_the_stream() -> None:
    good, bad = calls_pb2.Call(plain=calls_pb2.PlainCall(provider="x")), calls_pb2.Call()
    with pytest.raises(UnreadableError, match="call 11") as caught:
        calls_of([good, bad], begin=10)
    assert caught.value.index == 11


def test_a_message_of_more_calls_than_a_batch_may_have_is_refused() -> None:
    with pytest.raises(UnreadableError, match="1,000 at most"):
        calls_of([calls_pb2.Call()] * 1001)


@pytest.mark.parametrize(
    ("numbers", "words", "prefix"),
    [
        pytest.param(calls_pb2.Operation, Operation, "OPERATION", id="operation"),
        pytest.param(calls_pb2.FinishReason, FinishReason, "FINISH_REASON", id="finish-reason"),
        pytest.param(calls_pb2.Transport, Transport, "TRANSPORT", id="transport"),
        pytest.param(calls_pb2.Part, Part, "PART", id="part"),
        pytest.param(scan_pb2.Severity, Severity, "SEVERITY", id="severity"),
        pytest.param(scan_pb2.Action, Action, "ACTION", id="action"),
    ],
)
def test_every_word_of_the_model_has_a_number_and_no_number_is_without_a_word(
    numbers: Any, words: Any, prefix: str
) -> None:
    assert set(numbers.keys()) == {f"{prefix}_{word.name}" for word in words} | {f"{prefix}_UNSPECIFIED"}
    assert numbers.Value(f"{prefix}_UNSPECIFIED") == 0


def test_every_field_of_usage_has_a_place() -> None:
    fields = {field.name for field in calls_pb2.Usage.DESCRIPTOR.fields}
    assert fields == set(Usage.__dataclass_fields__)


def must_be_calls_or_refused(raw: bytes) -> None:
    try:
        calls = calls_of(parsed(service_pb2.IngestTracesRequest, raw).calls)
    except UnreadableError:
        return
    assert all(isinstance(call, WireCall | PlainCall) for call in calls)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_calls_or_refused(raw: bytes) -> None:
    must_be_calls_or_refused(raw)


@given(st.data())
def test_a_spoilt_message_is_calls_or_refused(data: st.DataObject) -> None:
    plain = {"provider": "acme", "costUsd": "0.1", "parameters": {"a": [1, {"b": None}]}, "toolSpans": [SPAN]}
    whole = {"plain": plain, "startedAt": "2026-11-26T03:00:00Z", "timing": {"ttftMs": 1}, "whose": {"key": "k"}}
    raw = bytearray(ParseDict({"calls": [whole]}, service_pb2.IngestTracesRequest()).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    must_be_calls_or_refused(bytes(raw))
