"""What is sent of an exchange: its span, its tools', its texts only when asked for, its metrics in either version."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from midwatch_core import (
    Exchange,
    FinishReason,
    Operation,
    Part,
    ProviderError,
    Segment,
    ToolCall,
    ToolSpan,
    Usage,
)
from midwatch_core.testing import make_exchange
from midwatch_otel.export.conventions import CURRENT, RELEASED, Conventions, chosen
from midwatch_otel.export.spans import spans_of
from midwatch_otel.export.tally import Tally
from midwatch_otel.export.trace_ids import made_trace_id, place_of, span_id_of
from midwatch_otel.ingest.joining import joined
from midwatch_otel.ingest.reading import attributes_of, read_request
from tests.plugins.otel.conftest import SPAN, TRACE, request, texts

PARENT = f"00-{TRACE}-{SPAN}-01"
USAGE = Usage(
    input_tokens=100,
    output_tokens=20,
    cache_read_tokens=40,
    cache_write_5m_tokens=10,
    reasoning_tokens=5,
    input_audio_tokens=30,
)


def exchange(**changes: Any) -> Exchange:
    made = make_exchange(**changes)
    assert made.response is not None
    return replace(made, response=replace(made.response, usage=USAGE))


def only(item: Exchange, conventions: Conventions = RELEASED, *, content: bool = False) -> tuple[Span, dict[str, Any]]:
    *_, found = spans_of(item, conventions, content=content)
    return found, attributes_of(found.attributes)


def test_a_call_is_a_client_span_by_the_conventions() -> None:
    item = exchange()
    span, told = only(item)
    assert (span.name, span.kind) == ("chat gpt-5-mini", Span.SPAN_KIND_CLIENT)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 640_250_000
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": "gpt-5-mini-2026-01-31",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "gen_ai.agent.name": "coder",
        "server.address": "api.openai.com",
        "server.port": 443,
        "midwatch.tenant": "default",
        "midwatch.app": "editor",
        "midwatch.exchange.id": item.id,
        "midwatch.action": "allow",
    }
    assert expected.items() <= told.items()
    assert "error.type" not in told
    assert span.status.code == Status.STATUS_CODE_UNSET


@pytest.mark.parametrize(
    ("opt_in", "name"),
    [
        ("", "gen_ai.usage.cache_creation.input_tokens"),
        ("http/dup", "gen_ai.usage.cache_creation.input_tokens"),
        ("http, gen_ai_latest_experimental", "gen_ai.usage.cache_write.input_tokens"),
    ],
)
def test_the_version_is_chosen_as_opentelemetry_has_it_chosen(opt_in: str, name: str) -> None:
    _, told = only(exchange(), chosen({"OTEL_SEMCONV_STABILITY_OPT_IN": opt_in}))
    assert [key for key in told if "cache_write" in key or "cache_creation" in key] == [name]
    assert told[name] == 10


def test_our_span_is_a_child_of_the_application_s() -> None:
    span, _ = only(exchange(traceparent=PARENT))
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)


@pytest.mark.parametrize("traceparent", [None, "", "junk", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01"])
def test_without_one_the_trace_is_made_from_ours_and_always_the_same(traceparent: str | None) -> None:
    item = exchange(traceparent=traceparent)
    assert place_of(item) == place_of(replace(item, id="another"))
    assert place_of(item).parent_id == b""
    assert len(place_of(item).trace_id) == 16


def test_a_trace_id_of_the_right_size_stays_as_it_is() -> None:
    assert made_trace_id(TRACE).hex() == TRACE
    assert made_trace_id("019b3c6e-5a00-7000-8000-000000000001").hex() == "019b3c6e5a0070008000000000000001"
    assert made_trace_id("0" * 32).hex() != "0" * 32


def test_a_tool_is_an_internal_span_under_the_call_that_asked_for_it() -> None:
    item = exchange()
    tool = ToolSpan(
        call_id="call_1",
        name="weather",
        called_by="earlier",
        started_at=item.started_at - timedelta(seconds=2),
        ended_at=item.started_at - timedelta(seconds=1),
        path="/messages/2",
        failed=True,
    )
    span, call = spans_of(replace(item, tool_spans=(tool,)), RELEASED, content=False)
    assert (span.name, span.kind) == ("execute_tool weather", Span.SPAN_KIND_INTERNAL)
    assert (span.trace_id, span.parent_span_id) == (call.trace_id, span_id_of("earlier"))
    assert span.end_time_unix_nano - span.start_time_unix_nano == 1_000_000_000
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(span.attributes)["gen_ai.tool.call.id"] == "call_1"


@pytest.mark.parametrize(
    ("changes", "error_type"),
    [
        ({"status": 429}, "429"),
        ({"status": None, "response": None, "error": "upstream closed early"}, "_OTHER"),
    ],
)
def test_a_call_that_failed_says_with_what(changes: dict[str, Any], error_type: str) -> None:
    span, told = only(make_exchange(**changes))
    assert told["error.type"] == error_type
    assert span.status.code == Status.STATUS_CODE_ERROR


def test_a_provider_s_message_stays_here_for_it_may_hold_what_was_asked() -> None:
    item = exchange(status=400)
    assert item.response is not None
    failed = replace(item.response, error=ProviderError(type="invalid_request", message="bad: my secret prompt"))
    span, told = only(replace(item, response=failed))
    assert told["error.type"] == "invalid_request"
    assert b"secret prompt" not in span.SerializeToString()


def test_no_text_is_sent_unless_asked_for() -> None:
    written = b"".join(span.SerializeToString() for span in spans_of(exchange(), RELEASED, content=False))
    assert b"capital of France" not in written
    assert b"Paris" not in written


def test_texts_are_sent_in_the_structured_form_and_read_back_as_they_were() -> None:
    span, told = only(exchange(), content=True)
    assert told["gen_ai.system_instructions"] == [{"type": "text", "content": "You are terse."}]
    assert told["gen_ai.input.messages"] == [
        {"role": "user", "parts": [{"type": "text", "content": "What is the capital of France?"}]}
    ]
    (call,) = joined(read_request(request(span)).spans).calls
    assert texts(call) == [("system", "You are terse."), ("user", "What is the capital of France?")]
    assert texts(call, "answer") == [("assistant", "Paris.")]
    assert call.usage is not None
    assert (call.usage.input_tokens, call.usage.cache_write_tokens) == (100, 10)


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"city":"Paris"}', {"city": "Paris"}),
        ("no json", "no json"),
        ("[" * 500 + "]" * 500, "[" * 500 + "]" * 500),
    ],
    ids=["object", "text", "deep"],
)
def test_a_tool_that_was_called_is_sent_with_its_arguments(arguments: str, sent: Any) -> None:
    item = exchange()
    assert item.response is not None
    path = "/choices/0/message/tool_calls/0/function/arguments"
    response = replace(
        item.response,
        segments=(Segment(part=Part.TOOL_CALL, path=path, text=arguments),),
        tool_calls=(ToolCall(id="call_1", name="weather", path=path),),
        finish_reason=FinishReason.TOOL_CALLS,
    )
    _, told = only(replace(item, response=response), content=True)
    assert told["gen_ai.output.messages"] == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": sent}],
            "finish_reason": "tool_calls",
        }
    ]


def test_texts_without_end_are_left_out_and_the_span_says_so() -> None:
    _, told = only(exchange(messages=(("user", "x" * 2_000_000), ("user", "short"))), content=True)
    assert told["gen_ai.input.messages"] == [{"role": "user", "parts": [{"type": "text", "content": "short"}]}]
    assert told["midwatch.content.truncated"] is True


def test_what_protobuf_can_t_hold_is_replaced_and_never_raises() -> None:
    span, _ = only(exchange(model="bad\ud800name", session="\udfff"))
    assert span.SerializeToString()


def metrics(conventions: Conventions, *exchanges: Exchange) -> dict[str, Metric]:
    tally = Tally(conventions=conventions, since_ns=1)
    for item in exchanges:
        tally.take(item)
    return {metric.name: metric for metric in tally.metrics(2)}


def test_metrics_of_the_released_conventions() -> None:
    found = metrics(RELEASED, exchange(), exchange(streamed=True))
    assert sorted(found) == [
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
    ]
    points = {
        attributes_of(point.attributes)["gen_ai.token.type"]: point
        for point in found["gen_ai.client.token.usage"].histogram.data_points
    }
    assert {kind: (point.count, point.sum) for kind, point in points.items()} == {"input": (2, 200), "output": (2, 40)}
    assert list(points["input"].explicit_bounds)[:4] == [1, 4, 16, 64]
    assert points["input"].bucket_counts[4] == 2
    (duration,) = found["gen_ai.client.operation.duration"].histogram.data_points
    assert duration.sum == pytest.approx(2 * 0.64025)
    assert attributes_of(duration.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": "gpt-5-mini-2026-01-31",
        "server.address": "api.openai.com",
        "server.port": 443,
    }
    assert found["gen_ai.client.operation.time_to_first_chunk"].histogram.data_points[0].count == 1


def test_metrics_of_the_current_conventions() -> None:
    found = metrics(CURRENT, exchange(), exchange(streamed=True))
    used = {
        (name.partition(".usage.")[2], attributes_of(point.attributes)["gen_ai.token.modality"]): point.as_int
        for name, metric in found.items()
        for point in metric.sum.data_points
    }
    assert used == {
        ("input_tokens", "unknown"): 140,
        ("input_tokens", "audio"): 60,
        ("output_tokens", "unknown"): 40,
        ("cache_read.input_tokens", "unknown"): 80,
        ("cache_write.input_tokens", "unknown"): 20,
        ("reasoning.output_tokens", "unknown"): 10,
    }
    assert {name for name, metric in found.items() if metric.HasField("histogram")} == {
        "gen_ai.client.inference.duration",
        "gen_ai.client.inference.time_to_first_chunk",
        "gen_ai.client.inference.operation.input_tokens",
        "gen_ai.client.inference.operation.output_tokens",
    }


def test_embeddings_have_metrics_of_their_own_and_what_calls_no_model_has_none() -> None:
    item = exchange()
    embeds = replace(item, request=replace(item.request, operation=Operation.EMBEDDINGS))
    listing = replace(item, request=replace(item.request, operation=Operation.LIST_TOOLS))
    assert sorted(metrics(CURRENT, embeds, listing)) == [
        "gen_ai.client.embeddings.duration",
        "gen_ai.client.embeddings.operation.input_tokens",
    ]


def test_models_without_end_share_one_series() -> None:
    found = metrics(RELEASED, *(exchange(model=f"m{number}") for number in range(1000)))
    sets = [point for metric in found.values() for point in metric.histogram.data_points]
    assert len(sets) <= 2002
    assert sum(point.count for point in found["gen_ai.client.operation.duration"].histogram.data_points) == 1000
    assert any("otel.metric.overflow" in attributes_of(point.attributes) for point in sets)
