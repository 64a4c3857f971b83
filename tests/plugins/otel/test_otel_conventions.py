"""One call, told in the words of every convention: the same call comes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from midwatch_core import FinishReason, Operation, PlainCall, Usage
from midwatch_otel.ingest.joining import joined
from midwatch_otel.ingest.reading import read_request
from tests.plugins.otel.conftest import SPAN, START_NS, TRACE, request, span, texts

ASKED = [("system", "Be short."), ("user", "Weather in Paris?")]
ANSWERED = [("assistant", "Rain.")]
CALLED = [("tool_call", '{"city":"Paris"}', "weather", "call_1")]

INPUT = [
    {"role": "system", "parts": [{"type": "text", "content": "Be short."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
]
OUTPUT = [{"role": "assistant", "parts": [{"type": "text", "content": "Rain."}], "finish_reason": "stop"}]
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024"}
USED = {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 5}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.model_name": "gpt-4o",
    "llm.response.model_name": "gpt-4o-2024",
    "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.5, "messages": "no"}',
    "llm.token_count.prompt": 30,
    "llm.token_count.completion": 5,
    "llm.finish_reason": "stop",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be short.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "Weather in Paris?",
    "llm.input_messages.1.message.contents.1.message_content.type": "image",
    "llm.input_messages.1.message.contents.1.message_content.image.image.url": "https://img",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Rain.",
}
OPENLLMETRY = {
    "llm.request.type": "chat",
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.usage.prompt_tokens": 30,
    "gen_ai.usage.completion_tokens": 5,
    "llm.usage.total_tokens": 35,
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be short.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": '[{"type": "text", "text": "Weather in Paris?"}]',
    "gen_ai.prompt.prompt_filter_results": "[]",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Rain.",
    "gen_ai.completion.0.finish_reason": "stop",
}
MESSAGE_EVENTS = [
    ("gen_ai.system.message", {"gen_ai.system": "openai", "content": "Be short."}),
    ("gen_ai.user.message", {"gen_ai.system": "openai", "content": "Weather in Paris?"}),
    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": '{"role": "assistant", "content": "Rain."}'}),
]
BODY_EVENTS = [
    ("gen_ai.system.message", {"gen_ai.event.content": '{"role": "system", "content": "Be short."}'}),
    ("gen_ai.user.message", {"gen_ai.event.content": '{"role": "user", "content": "Weather in Paris?"}'}),
    ("gen_ai.choice", {"gen_ai.event.content": '{"finish_reason": "stop", "message": {"content": "Rain."}}'}),
]
CONTENT_EVENTS = [
    (
        "gen_ai.content.prompt",
        {
            "gen_ai.prompt": json.dumps(
                [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Weather in Paris?"}]
            )
        },
    ),
    ("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "Rain."}]'}),
]
FINISHED = {"gen_ai.response.finish_reasons": ["stop"], "gen_ai.request.temperature": 0.5}

TOLD: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "genai, structured": (
        CHAT
        | USED
        | FINISHED
        | {"gen_ai.provider.name": "openai", "gen_ai.input.messages": INPUT}
        | {"gen_ai.output.messages": OUTPUT},
        [],
    ),
    "genai, as JSON": (
        CHAT
        | USED
        | FINISHED
        | {"gen_ai.provider.name": "openai"}
        | {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be short."}])}
        | {"gen_ai.input.messages": json.dumps(INPUT[1:]), "gen_ai.output.messages": json.dumps(OUTPUT)},
        [],
    ),
    "genai, details in an event": (
        CHAT | USED | FINISHED | {"gen_ai.provider.name": "openai"},
        [
            (
                "gen_ai.client.inference.operation.details",
                {"gen_ai.input.messages": INPUT, "gen_ai.output.messages": OUTPUT},
            )
        ],
    ),
    "genai 1.36, message events": (CHAT | USED | FINISHED | {"gen_ai.system": "openai"}, MESSAGE_EVENTS),
    "genai 1.28, bodies in events": (CHAT | USED | FINISHED | {"gen_ai.system": "openai"}, BODY_EVENTS),
    "genai 1.27, content events": (
        CHAT
        | {"gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 30, "gen_ai.usage.completion_tokens": 5}
        | FINISHED,
        CONTENT_EVENTS,
    ),
    "openinference": (OPENINFERENCE, []),
    "openllmetry": (OPENLLMETRY, []),
}


def told(attributes: dict[str, Any], **more: Any) -> PlainCall:
    """The one call of one span."""
    read = read_request(request(span(attributes, **more)))
    (call,) = joined(read.spans).calls
    return call


@pytest.mark.parametrize("convention", TOLD)
def test_every_convention_tells_the_same_call(convention: str) -> None:
    attributes, events = TOLD[convention]
    call = told(attributes, events=events)
    assert texts(call) == ASKED
    assert texts(call, "answer") == ANSWERED
    assert (call.provider, call.model, call.response_model) == ("openai", "gpt-4o", "gpt-4o-2024")
    assert call.operation is Operation.CHAT
    assert call.usage == Usage(input_tokens=30, output_tokens=5)
    assert call.finish_reason is FinishReason.STOP
    assert call.parameters == {"temperature": 0.5}


def test_a_span_s_trace_times_and_application_come_along() -> None:
    call = told(CHAT | {"gen_ai.provider.name": "openai", "user.id": "u", "session.id": "s", "gen_ai.agent.name": "a"})
    assert call.whose.traceparent == f"00-{TRACE}-{SPAN}-01"
    assert (call.whose.app, call.whose.user, call.whose.session, call.whose.agent) == ("shop", "u", "s", "a")
    assert call.whose.key is not None
    assert TRACE in call.whose.key
    assert SPAN in call.whose.key
    assert call.started_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START_NS // 1000)
    assert call.timing.duration_ms == 1500
    assert (call.status, call.error) == (200, None)


def test_an_application_that_was_given_no_name_has_none() -> None:
    made = request(span(CHAT | {"gen_ai.system": "openai"}), resource={"service.name": "unknown_service:python"})
    assert joined(read_request(made).spans).calls[0].whose.app is None


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        (
            {
                "gen_ai.output.messages": [
                    {
                        "role": "assistant",
                        "parts": [
                            {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Paris"}}
                        ],
                    }
                ]
            },
            [],
        ),
        (
            {
                "gen_ai.completion.0.tool_calls.0.id": "call_1",
                "gen_ai.completion.0.tool_calls.0.name": "weather",
                "gen_ai.completion.0.tool_calls.0.arguments": '{"city":"Paris"}',
            },
            [],
        ),
        (
            {
                "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city":"Paris"}',
            },
            [],
        ),
        (
            {},
            [
                (
                    "gen_ai.choice",
                    {
                        "tool_calls": '[{"id": "call_1", "function": '
                        '{"name": "weather", "arguments": "{\\"city\\":\\"Paris\\"}"}}]'
                    },
                )
            ],
        ),
    ],
    ids=["structured", "openllmetry", "openinference", "event"],
)
def test_a_tool_that_the_model_calls_is_told(attributes: dict[str, Any], events: list[Any]) -> None:
    call = told(CHAT | {"gen_ai.system": "openai"} | attributes, events=events)
    assert texts(call, "answer") == CALLED
    assert call.finish_reason is FinishReason.TOOL_CALLS


def test_a_tool_s_result_and_what_the_model_thought_are_told_as_such() -> None:
    messages = [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": {"sky": "grey"}}]},
        {"role": "tool", "tool_call_id": "call_2", "name": "time", "content": "noon"},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm."}, "odd", {"type": "blob"}]},
    ]
    call = told(CHAT | {"gen_ai.system": "openai", "gen_ai.input.messages": messages})
    assert texts(call)[:2] == [("tool_result", '{"sky":"grey"}', "call_1"), ("tool_result", "noon", "time", "call_2")]


@pytest.mark.parametrize(
    ("attributes", "usage"),
    [
        ({"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 60}, (100, 60, None)),
        ({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 60}, (70, 60, None)),
        ({"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_write.input_tokens": 20}, (100, None, 20)),
        ({"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_creation.input_tokens": 20}, (100, None, 20)),
        ({"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_creation_input_tokens": 20}, (25, None, 20)),
        ({"llm.token_count.prompt": 100, "llm.token_count.prompt_details.cache_read": 1}, (100, 1, None)),
        ({"llm.usage.total_tokens": 9, "gen_ai.usage.output_tokens": 4}, (5, None, None)),
        ({"gen_ai.usage.input_tokens": "12"}, (12, None, None)),
        ({"gen_ai.usage.input_tokens": -1, "gen_ai.usage.cache_read.input_tokens": True}, None),
    ],
)
def test_the_input_always_includes_what_caches_gave_and_took(
    attributes: dict[str, Any], usage: tuple[int | None, ...] | None
) -> None:
    found = told(CHAT | {"gen_ai.system": "openai"} | attributes).usage
    assert (found and (found.input_tokens, found.cache_read_tokens, found.cache_write_tokens)) == usage


@pytest.mark.parametrize(
    ("name", "server", "provider"),
    [
        ("gcp.gemini", None, "gcp.gemini"),
        ("gcp.gen_ai", "us-central1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("gemini", None, "gcp.gemini"),
        ("az.ai.openai", None, "azure.ai.openai"),
        ("xai", None, "x_ai"),
        ("MistralAI", None, "mistral_ai"),
        ("openai.responses", None, "openai"),
        ("google.generative-ai", None, "gcp.gemini"),
        ("ibm.watsonx.ai", None, "ibm.watsonx.ai"),
        ("Some New Thing", None, "some_new_thing"),
        ("_OTHER", None, "unknown"),
    ],
)
def test_providers_have_the_catalogue_s_ids(name: str, server: str | None, provider: str) -> None:
    told_server = {"server.address": server} if server else {}
    assert told(CHAT | {"gen_ai.provider.name": name} | told_server).provider == provider


@pytest.mark.parametrize(
    ("attributes", "events", "ttft_ms"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.3}, [], 300.0),
        ({"ai.response.msToFirstChunk": 120.5}, [], 120.5),
        ({}, [("First Token Stream Event", {}), ("llm.content.completion.chunk", {})], 250.0),
    ],
    ids=["attribute", "milliseconds", "event"],
)
def test_the_first_chunk_is_timed(attributes: dict[str, Any], events: list[Any], ttft_ms: float) -> None:
    call = told(CHAT | {"gen_ai.system": "openai"} | attributes, events=events)
    assert call.timing.ttft_ms == pytest.approx(ttft_ms)
    assert call.streamed


@pytest.mark.parametrize(
    ("attributes", "status", "error"),
    [
        ({"error.type": "429"}, 429, "429: slow down"),
        ({"error.type": "RateLimitError", "http.response.status_code": 429}, 429, "RateLimitError: slow down"),
        ({"error.type": "timeout"}, None, "timeout: slow down"),
        ({}, None, "slow down"),
    ],
)
def test_a_span_that_failed_is_a_call_without_an_answer(
    attributes: dict[str, Any], status: int | None, error: str
) -> None:
    call = told(CHAT | {"gen_ai.system": "openai"} | attributes, failed="slow down")
    assert (call.status, call.error, call.answer) == (status, error, None)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "embeddings", "gen_ai.input.messages": '["one", "two"]'},
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.embeddings.0.embedding.text": "one",
            "embedding.embeddings.1.embedding.text": "two",
            "embedding.embeddings.1.embedding.vector": [0.5],
        },
        {"llm.request.type": "embedding", "gen_ai.prompt.0.content": "one", "gen_ai.prompt.1.content": "two"},
    ],
    ids=["genai", "openinference", "openllmetry"],
)
def test_embeddings_are_told_by_what_goes_in(attributes: dict[str, Any]) -> None:
    call = told(attributes | {"embedding.model_name": "text-embedding-3"})
    assert call.operation is Operation.EMBEDDINGS
    assert texts(call) == [("embedding_input", "one"), ("embedding_input", "two")]
    assert call.model == "text-embedding-3"


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ({"gen_ai.tool.definitions": '[{"type": "function", "name": "a"}]'}, ("a",)),
        ({"gen_ai.tool.definitions": [{"type": "function", "function": {"name": "a"}}]}, ("a",)),
        ({"llm.tools.0.tool.json_schema": '{"type": "function", "function": {"name": "a"}}'}, ("a",)),
        ({"llm.request.functions.0.name": "a", "llm.request.functions.1.name": "b"}, ("a", "b")),
    ],
)
def test_the_tools_that_were_offered_are_told_by_name(attributes: dict[str, Any], names: tuple[str, ...]) -> None:
    assert told(CHAT | {"gen_ai.system": "openai"} | attributes).tools == names


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"},
        {"openinference.span.kind": "CHAIN", "input.value": "hello"},
        {"traceloop.span.kind": "workflow", "traceloop.entity.name": "shop"},
        {"gen_ai.operation.name": "retrieval"},
        {"gen_ai.system": "openai"},
    ],
)
def test_what_is_no_call_is_passed_over(attributes: dict[str, Any]) -> None:
    found = joined(read_request(request(span(attributes))).spans)
    assert (found.calls, found.passed_over) == ((), 1)


def test_a_span_of_something_else_is_not_even_looked_at() -> None:
    read = read_request(request(span({"http.request.method": "GET", "url.full": "https://a"})))
    assert (read.spans, read.passed_over, read.refused) == ((), 1, 0)


def test_spans_of_our_own_that_come_back_are_passed_over() -> None:
    made = request(span(CHAT | {"gen_ai.system": "openai"}), resource={"service.instance.id": "me"})
    assert read_request(made, own_instance="me").passed_over == 1
    assert read_request(made, own_instance="another").passed_over == 0


def test_what_only_a_framework_noted_is_better_than_nothing() -> None:
    call = told({"openinference.span.kind": "LLM", "input.value": '{"a": 1}', "output.value": "two"})
    assert texts(call) == [("user", '{"a": 1}')]
    assert texts(call, "answer") == [("assistant", "two")]
