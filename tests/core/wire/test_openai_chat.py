"""Chat Completions in one piece: requests, answers, usage, errors, of OpenAI and of those who speak like it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, ProviderError, ToolCall
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import TARGET, by_path, mutated, read_request, read_response

CHAT = OpenAIChat()
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}

REQUEST: dict[str, Any] = {
    "model": "gpt-4o",
    "stream": True,
    "temperature": 0.2,
    "service_tier": "flex",
    "stream_options": {"include_usage": True},
    "user": None,
    "tools": [TOOL, {"type": "custom", "custom": {"name": "shell"}}, {"type": "web_search"}],
    "functions": [{"name": "old"}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No jokes."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is here?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "AAAA"}},
                "bare",
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Let me look.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}},
                {"id": "c2", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
                {"id": "c3", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Rome"}}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "4 °C"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "a.txt"}]},
        {
            "role": "assistant",
            "content": "",
            "refusal": "I can't.",
            "function_call": {"name": "old", "arguments": "{}"},
        },
        {"role": "function", "name": "old", "content": "done"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "refusal", "refusal": "Not that."},
                {"type": "tool_result", "content": [{"type": "text", "text": "nested"}]},
            ],
        },
        {"role": "critic", "content": "unknown role"},
    ],
    "prediction": {"type": "content", "content": "def f(): ..."},
    "documents": [{"title": "t", "text": "d"}],
}


def test_every_text_of_a_request_is_a_segment() -> None:
    request = read_request(CHAT, REQUEST)
    assert request.decode_error is None
    assert by_path(request) == {
        "/tools/0": (
            "tool_definition",
            '{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}',
        ),
        "/tools/1": ("tool_definition", '{"type":"custom","custom":{"name":"shell"}}'),
        "/tools/2": ("tool_definition", '{"type":"web_search"}'),
        "/functions/0": ("tool_definition", '{"name":"old"}'),
        "/messages/0/content": ("system", "Be brief."),
        "/messages/1/content/0/text": ("system", "No jokes."),
        "/messages/2/content/0/text": ("user", "What is here?"),
        "/messages/2/content/4": ("user", "bare"),
        "/messages/3/reasoning_content": ("reasoning", "Let me look."),
        "/messages/3/tool_calls/0/function/arguments": ("tool_call", '{"city":"Oslo"}'),
        "/messages/3/tool_calls/1/custom/input": ("tool_call", "ls"),
        "/messages/3/tool_calls/2/function/arguments": ("tool_call", '{"city":"Rome"}'),
        "/messages/4/content": ("tool_result", "4 °C"),
        "/messages/5/content/0/text": ("tool_result", "a.txt"),
        "/messages/6/refusal": ("assistant", "I can't."),
        "/messages/6/function_call/arguments": ("tool_call", "{}"),
        "/messages/7/content": ("tool_result", "done"),
        "/messages/8/content/0/thinking/0/text": ("reasoning", "Hm."),
        "/messages/8/content/1/refusal": ("assistant", "Not that."),
        "/messages/8/content/2/content/0/text": ("assistant", "nested"),
        "/messages/9/content": ("user", "unknown role"),
        "/documents/0": ("document", '{"title":"t","text":"d"}'),
        "/prediction/content": ("document", "def f(): ..."),
    }


def test_a_request_s_model_tools_and_settings() -> None:
    request = read_request(CHAT, REQUEST)
    assert (request.model, request.stream) == ("gpt-4o", True)
    assert request.tools == ("get_weather", "shell", "web_search", "old")
    settings = {key: value for key, value in request.parameters.items() if value is not None}
    assert settings == {
        "temperature": 0.2,
        "service_tier": "flex",
        "stream_options": {"include_usage": True},
    }


def test_azure_names_the_model_in_its_path() -> None:
    target = Target(host="acme.openai.azure.com", path="/", captures={"model": "gpt-4o"})
    assert read_request(CHAT, {"messages": []}, target).model == "gpt-4o"
    assert read_request(CHAT, {"messages": []}, TARGET).model is None


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ({"messages": {"role": "user"}}, "/messages: expected an array"),
        ({"messages": [{"role": "user", "content": 7}]}, "/messages/0/content: expected"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "/messages/0/role: expected a string"),
        ({"tools": "none"}, "/tools: expected an array"),
        (b"[1, 2]", "/: expected an object"),
        (b'{"messages": [{"role": "user", "content": "cut', "not JSON at byte"),
    ],
)
def test_trouble_is_named_and_the_rest_is_read(body: Any, trouble: str) -> None:
    assert (read_request(CHAT, body).decode_error or "").startswith(trouble)


def test_a_text_in_deep_nesting_is_still_seen() -> None:
    content: Any = "hidden"
    for _ in range(30):
        content = [{"type": "wrapped", "content": content}]
    request = read_request(CHAT, {"messages": [{"role": "user", "content": content}]})
    assert "hidden" in "".join(segment.text for segment in request.segments)


def answer(**message: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def test_an_answer() -> None:
    response = read_response(CHAT, answer(content="Hello", refusal=None, annotations=[]))
    assert (response.id, response.model, response.service_tier) == ("chatcmpl-1", "gpt-4o-2024-08-06", "default")
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.STOP, "stop")
    assert response.usage == Usage(input_tokens=10, output_tokens=5)
    assert by_path(response) == {"/choices/0/message/content": ("assistant", "Hello")}
    assert response.complete
    assert response.decode_error is None


@pytest.mark.parametrize(
    ("message", "segments"),
    [
        ({"content": None, "refusal": "No."}, {"/refusal": ("assistant", "No.")}),
        (
            {"content": "4", "reasoning_content": "2+2"},  # DeepSeek
            {"/reasoning_content": ("reasoning", "2+2"), "/content": ("assistant", "4")},
        ),
        (
            {"content": "4", "reasoning": "2+2", "reasoning_details": [{"type": "reasoning.text", "text": "2+2"}]},
            {
                "/reasoning": ("reasoning", "2+2"),
                "/reasoning_details/0/text": ("reasoning", "2+2"),
                "/content": ("assistant", "4"),
            },
        ),
        (
            {  # Mistral
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "4"},
                    {"type": "reference", "reference_ids": [1]},
                ]
            },
            {"/content/0/thinking/0/text": ("reasoning", "Hm."), "/content/1/text": ("assistant", "4")},
        ),
        (
            {"content": None, "audio": {"id": "a", "data": "AAAA", "transcript": "Said."}},
            {"/audio/transcript": ("assistant", "Said.")},
        ),
    ],
)
def test_an_answer_s_texts(message: dict[str, Any], segments: dict[str, tuple[str, str]]) -> None:
    response = read_response(CHAT, answer(**message))
    assert by_path(response) == {f"/choices/0/message{path}": text for path, text in segments.items()}
    assert response.decode_error is None


def test_tool_calls_have_their_arguments_as_segments() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"id": "c3", "type": "custom", "custom": {"name": "h", "input": "raw"}},
    ]
    response = read_response(CHAT, answer(content=None, tool_calls=calls))
    place = "/choices/0/message/tool_calls"
    assert response.tool_calls == (
        ToolCall(id="c1", name="f", path=f"{place}/0/function/arguments"),
        ToolCall(id="c2", name="g", path=f"{place}/1/function/arguments"),
        ToolCall(id="c3", name="h", path=f"{place}/2/custom/input"),
    )
    assert by_path(response) == {
        f"{place}/0/function/arguments": ("tool_call", '{"a": 1}'),
        f"{place}/2/custom/input": ("tool_call", "raw"),
    }


def test_the_legacy_function_call() -> None:
    response = read_response(CHAT, answer(content=None, function_call={"name": "f", "arguments": "{}"}))
    assert response.tool_calls == (ToolCall(id=None, name="f", path="/choices/0/message/function_call/arguments"),)


def test_several_choices() -> None:
    body = answer(content="A")
    body["choices"].append({"index": 1, "message": {"content": "B"}, "finish_reason": "length"})
    response = read_response(CHAT, body)
    assert [segment.text for segment in response.segments] == ["A", "B"]
    assert response.finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("sensitive", FinishReason.CONTENT_FILTER),
        ("insufficient_system_resource", FinishReason.ERROR),
        ("abort", FinishReason.CANCELLED),
        ("something_new", FinishReason.OTHER),
        (None, None),
    ],
)
def test_finish_reasons(raw: str | None, reason: FinishReason | None) -> None:
    body = answer(content="x")
    body["choices"][0]["finish_reason"] = raw
    response = read_response(CHAT, body)
    assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 4},
                "completion_tokens_details": {
                    "reasoning_tokens": 192,
                    "audio_tokens": 7,
                    "accepted_prediction_tokens": 0,
                },
            },
            Usage(
                input_tokens=2006,
                output_tokens=300,
                cache_read_tokens=1920,
                reasoning_tokens=192,
                input_audio_tokens=4,
                output_audio_tokens=7,
            ),
            id="openai",
        ),
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36,
            },
            Usage(input_tokens=100, output_tokens=20, cache_read_tokens=64),
            id="deepseek",
        ),
        pytest.param(
            {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "cached_tokens": 10},
            Usage(input_tokens=100, output_tokens=20, cache_read_tokens=10),
            id="moonshot",
        ),
        pytest.param(  # 135 = 32 + 9 + 94: the reasoning is not in completion_tokens
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "prompt_tokens_details": {"text_tokens": 32, "image_tokens": 0, "cached_tokens": 6},
                "completion_tokens_details": {"reasoning_tokens": 94},
                "num_sources_used": 3,
            },
            Usage(
                input_tokens=32,
                output_tokens=103,
                cache_read_tokens=6,
                reasoning_tokens=94,
                input_image_tokens=0,
                tool_fees={"live_search_sources": 3},
            ),
            id="xai",
        ),
        pytest.param(  # 742 = 8 + 12 + 722 thoughts, which have no name here
            {"prompt_tokens": 8, "completion_tokens": 12, "total_tokens": 742},
            Usage(input_tokens=8, output_tokens=734, reasoning_tokens=722),
            id="gemini-compatible",
        ),
        pytest.param(
            {
                "prompt_tokens": 33,
                "completion_tokens": 7163,
                "total_tokens": 7196,
                "citation_tokens": 20016,
                "num_search_queries": 21,
                "reasoning_tokens": 73947,
            },
            Usage(
                input_tokens=33,
                output_tokens=7163 + 73947,
                reasoning_tokens=73947,
                tool_fees={"search_queries": 21},
            ),
            id="perplexity",
        ),
        pytest.param(  # 3874 = 10 + 499 + 3365 of sound
            {"prompt_audio_seconds": 203, "prompt_tokens": 10, "completion_tokens": 499, "total_tokens": 3874},
            Usage(input_tokens=3375, output_tokens=499, input_audio_tokens=3365),
            id="mistral-audio",
        ),
        pytest.param(
            {
                "prompt_tokens": 50,
                "completion_tokens": 5,
                "total_tokens": 55,
                "cost": 0.01,
                "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 30},
                "server_tool_use": {"web_search_requests": 2},
            },
            Usage(
                input_tokens=50,
                output_tokens=5,
                cache_read_tokens=20,
                cache_write_5m_tokens=30,
                tool_fees={"web_search": 2},
            ),
            id="openrouter",
        ),
        pytest.param(
            {"prompt_tokens": 3.0, "completion_tokens": 4.0}, Usage(input_tokens=3, output_tokens=4), id="float"
        ),
        pytest.param({"prompt_tokens": 3, "total_tokens": 3}, Usage(input_tokens=3), id="no-output"),
        pytest.param({}, None, id="empty"),
        pytest.param(None, None, id="null"),
    ],
)
def test_usage(usage: dict[str, Any] | None, expected: Usage | None) -> None:
    response = read_response(CHAT, {**answer(content="x"), "usage": usage})
    assert response.usage == expected
    assert response.decode_error is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (
            429,
            {"error": {"message": "slow", "type": "requests", "code": "rate"}},
            ProviderError(type="requests", message="slow"),
        ),
        (401, {"error": {"code": "401", "message": "denied"}}, ProviderError(type="401", message="denied")),
        (503, {"error": "overloaded"}, ProviderError(type=None, message="overloaded")),
        (400, {"code": "bad", "error": "wrong"}, ProviderError(type="bad", message="wrong")),
        (400, [{"error": {"code": 400, "message": "g"}}], ProviderError(type="400", message="g")),
        (400, {"object": "error", "message": "v", "type": "BadRequest"}, ProviderError(type="BadRequest", message="v")),
        (422, {"detail": [{"loc": ["x"]}]}, ProviderError(type=None, message='[{"loc":["x"]}]')),
        (401, {"statusCode": 401, "message": "key"}, ProviderError(type="401", message="key")),
        (200, {"error": {"code": 402, "message": "credits"}}, ProviderError(type="402", message="credits")),
        (502, b"<html>Bad gateway</html>", ProviderError(type=None, message="<html>Bad gateway</html>")),
        (200, {"choices": [{"error": {"code": 502, "message": "up"}}]}, ProviderError(type="502", message="up")),
        (200, {"choices": [], "message": "not an error"}, None),
    ],
)
def test_errors(status: int, body: Any, error: ProviderError | None) -> None:
    response = read_response(CHAT, body, status)
    assert response.error == error
    assert response.decode_error is None


@given(body=mutated(REQUEST))
def test_no_request_makes_it_raise(body: Any) -> None:
    read_request(CHAT, body)


@given(
    body=mutated(answer(content=[{"type": "text", "text": "x"}], tool_calls=[{"id": "c", "function": {"name": "f"}}]))
)
def test_no_answer_makes_it_raise(body: Any) -> None:
    read_response(CHAT, body)
    read_response(CHAT, body, status=500)


@given(body=st.binary(max_size=64))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    read_request(CHAT, body)
    read_response(CHAT, body)


def test_deep_json_does_not_make_it_raise() -> None:
    depth = 900
    content = '[{"content":' * depth + '"x"' + "}]" * depth
    read_request(CHAT, f'{{"messages":[{{"role":"user","content":{content}}}]}}'.encode())
    read_request(CHAT, b'{"messages":' + b"[" * 100_000)
