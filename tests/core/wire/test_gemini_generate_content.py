"""Gemini's generateContent: tables of its shapes, both kinds of stream, recordings, and anything at all."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, Response, ToolCall
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.target import Target
from tests.core.wire.loopback import answering
from tests.core.wire.recordings import Recording, recorded
from tests.core.wire.wire_checks import (
    by_path,
    cuts,
    mutated,
    read_request,
    read_response,
    read_stream,
    split_at,
    sse,
    texts,
)

DIALECT = GeminiGenerateContent()
PATH = "/v1beta/models/gemini-2.5-flash:generateContent"
TARGET = Target(host="generativelanguage.googleapis.com", path=PATH, captures={"model": "gemini-2.5-flash"})

REQUEST: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "generationConfig": {"temperature": 0.1},
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "tools": [
        {"functionDeclarations": [{"name": "get_weather", "description": "Weather"}, {"name": "now"}]},
        {"googleSearch": {}},
        {"codeExecution": {}},
    ],
    "contents": [
        {"role": "user", "parts": [{"text": "Hello"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        {
            "role": "model",
            "parts": [
                {"text": "Hm.", "thought": True},
                {"text": "One moment.", "thoughtSignature": "AAAA"},
                {"functionCall": {"id": "c1", "name": "get_weather", "args": {"city": "Riga"}}},
                {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "get_weather", "response": {"result": "rain", "more": {"t": 12}}}},
                {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://bucket/file"}},
            ],
        },
        {"parts": [{"text": "No role."}]},
    ],
}

SNAKE: dict[str, Any] = {
    "system_instruction": {"parts": {"text": "Be brief."}},
    "tools": {"function_declarations": {"name": "now"}},
    "contents": {
        "parts": [
            {"function_call": {"name": "now", "args": {}}},
            {"function_response": {"name": "now", "response": {"result": "noon"}}},
            {"executable_code": {"code": "1"}},
            {"code_execution_result": {"output": "2"}},
            {"inline_data": {"mime_type": "image/png", "data": "AAAA"}},
        ]
    },
}

USAGE: dict[str, Any] = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "toolUsePromptTokenCount": 7,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 30,
    "totalTokenCount": 157,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 60},
        {"modality": "AUDIO", "tokenCount": 30},
        {"modality": "IMAGE", "tokenCount": 10},
    ],
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 4}],
}

ANSWER: dict[str, Any] = {
    "candidates": [
        {
            "index": 0,
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Let me see.", "thought": True},
                    {"text": "Grüße 😀"},
                    {"functionCall": {"id": "c1", "name": "get_weather", "args": {"city": "Rīga"}}},
                    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
                    {"text": "Done."},
                ],
            },
            "finishReason": "STOP",
            "groundingMetadata": {"webSearchQueries": ["a", "b"]},
        }
    ],
    "usageMetadata": USAGE,
    "modelVersion": "gemini-2.5-flash",
    "responseId": "r1",
}


def _chunk(*parts: dict[str, Any], usage: dict[str, Any] | None = None, **candidate: Any) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}],
        "usageMetadata": usage or {"promptTokenCount": 100, "totalTokenCount": 100},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
    }


_PARTS: list[dict[str, Any]] = ANSWER["candidates"][0]["content"]["parts"]
EVENTS = [
    _chunk({"text": "Let me", "thought": True}),
    _chunk({"text": " see.", "thought": True}),
    _chunk({"text": "Grüße"}),
    _chunk({"text": " 😀"}, _PARTS[2]),
    _chunk(_PARTS[3], _PARTS[4]),
    _chunk({"text": "Done."}),
    _chunk(
        {"text": "", "thoughtSignature": "AAAA"},
        usage=USAGE,
        finishReason="STOP",
        groundingMetadata={"webSearchQueries": ["a", "b"]},
    ),
]
STREAM = sse(*EVENTS)
ARRAY = json.dumps(EVENTS, indent=2).encode()


def test_request_segments() -> None:
    request = read_request(DIALECT, REQUEST, TARGET)
    assert request.decode_error is None
    assert by_path(request) == {
        "/systemInstruction/parts/0/text": ("system", "Be brief."),
        "/tools/0/functionDeclarations/0": ("tool_definition", '{"name":"get_weather","description":"Weather"}'),
        "/tools/0/functionDeclarations/1": ("tool_definition", '{"name":"now"}'),
        "/contents/0/parts/0/text": ("user", "Hello"),
        "/contents/1/parts/0/text": ("reasoning", "Hm."),
        "/contents/1/parts/1/text": ("assistant", "One moment."),
        "/contents/1/parts/2/functionCall/args": ("tool_call", '{"city":"Riga"}'),
        "/contents/1/parts/3/executableCode/code": ("tool_call", "print(1)"),
        "/contents/1/parts/4/codeExecutionResult/output": ("tool_result", "1\n"),
        "/contents/2/parts/0/functionResponse/response/result": ("tool_result", "rain"),
        "/contents/2/parts/0/functionResponse/response/more": ("tool_result", '{"t":12}'),
        "/contents/3/parts/0/text": ("user", "No role."),
    }


def test_request_in_snake_case_and_without_brackets() -> None:
    request = read_request(DIALECT, SNAKE, TARGET)
    assert request.decode_error is None
    assert request.tools == ("now",)
    assert by_path(request) == {
        "/system_instruction/parts/text": ("system", "Be brief."),
        "/tools/function_declarations": ("tool_definition", '{"name":"now"}'),
        "/contents/parts/0/function_call/args": ("tool_call", "{}"),
        "/contents/parts/1/function_response/response/result": ("tool_result", "noon"),
        "/contents/parts/2/executable_code/code": ("tool_call", "1"),
        "/contents/parts/3/code_execution_result/output": ("tool_result", "2"),
    }


def test_request_fields() -> None:
    request = read_request(DIALECT, REQUEST, TARGET)
    assert (request.operation, request.model, request.stream) == (
        Operation.GENERATE_CONTENT,
        "gemini-2.5-flash",
        False,
    )
    assert request.tools == ("get_weather", "now", "googleSearch", "codeExecution")
    assert set(request.parameters) == {"generationConfig", "toolConfig"}


@pytest.mark.parametrize(
    ("target", "body", "model", "stream"),
    [
        (Target(host="h", path="/v1beta/models/m-1:streamGenerateContent"), {}, "m-1", True),
        (
            Target(host="h", path="/v1/projects/p/locations/l/publishers/google/models/m-2:generateContent"),
            {},
            "m-2",
            False,
        ),
        (Target(host="h", path="/proxy"), {"model": "models/m-3"}, "m-3", False),
        (Target(host="h", path="/proxy"), {}, None, False),
    ],
)
def test_model_and_streaming_are_in_the_path(target: Target, body: Any, model: str | None, stream: bool) -> None:
    request = read_request(DIALECT, body, target)
    assert (request.model, request.stream) == (model, stream)


def test_response_whole() -> None:
    response = read_response(DIALECT, ANSWER)
    at = "/candidates/0/content/parts"
    assert response.decode_error is None
    assert by_path(response) == {
        f"{at}/0/text": ("reasoning", "Let me see."),
        f"{at}/1/text": ("assistant", "Grüße 😀"),
        f"{at}/2/functionCall/args": ("tool_call", '{"city":"Rīga"}'),
        f"{at}/3/executableCode/code": ("tool_call", "print(1)"),
        f"{at}/4/codeExecutionResult/output": ("tool_result", "1\n"),
        f"{at}/5/text": ("assistant", "Done."),
    }
    assert response.tool_calls == (
        ToolCall(id="c1", name="get_weather", path=f"{at}/2/functionCall/args"),
        ToolCall(id=None, name="code_execution", path=f"{at}/3/executableCode/code"),
    )
    assert (response.id, response.model) == ("r1", "gemini-2.5-flash")
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.TOOL_CALLS, "STOP")


def test_usage() -> None:
    """Read: prompt 100 + tools 7. Written: candidates 20 + thoughts 30."""
    usage = read_response(DIALECT, ANSWER).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (107, 50)
    assert (usage.cache_read_tokens, usage.reasoning_tokens) == (40, 30)
    assert (usage.input_audio_tokens, usage.input_image_tokens, usage.cache_audio_read_tokens) == (30, 10, 5)
    assert (usage.output_audio_tokens, usage.output_image_tokens) == (None, 4)
    assert usage.tool_fees == {"google_search": 2}


@pytest.mark.parametrize(
    ("metadata", "tier"),
    [
        ({"serviceTier": "standard"}, "standard"),
        ({"trafficType": "ON_DEMAND"}, "standard"),
        ({"trafficType": "ON_DEMAND_FLEX"}, "flex"),
        ({"trafficType": "PROVISIONED_THROUGHPUT"}, "provisioned_throughput"),
        ({"trafficType": 1}, None),
        ({}, None),
    ],
)
def test_service_tiers(metadata: dict[str, Any], tier: str | None) -> None:
    assert read_response(DIALECT, {"usageMetadata": {"promptTokenCount": 1, **metadata}}).service_tier == tier


@pytest.mark.parametrize("body", [STREAM, ARRAY, json.dumps(EVENTS).encode()], ids=["sse", "array", "compact"])
def test_a_stream_is_the_answer_it_streams(body: bytes) -> None:
    content_type = "text/event-stream" if body is STREAM else "application/json; charset=UTF-8"
    streamed, _ = read_stream(DIALECT, [body], content_type=content_type)
    assert _comparable(streamed) == _comparable(read_response(DIALECT, ANSWER))
    assert streamed.complete


@given(cuts, st.booleans())
def test_any_split_gives_the_same(where: list[int], array: bool) -> None:
    body, content_type = (ARRAY, "application/json") if array else (STREAM, "text/event-stream")
    expected, all_events = read_stream(DIALECT, [body], content_type=content_type)
    response, events = read_stream(DIALECT, split_at(body, where), content_type=content_type)
    assert response == expected
    assert texts(events) == texts(all_events)


def test_a_stream_that_breaks_off_keeps_its_last_count() -> None:
    response, _ = read_stream(DIALECT, [sse(*EVENTS[:3])], in_order=False)
    assert not response.complete
    assert response.usage is not None
    assert response.usage.input_tokens == 100


def test_arguments_in_pieces() -> None:
    """Vertex AI may stream a call's arguments."""
    call = {"name": "now", "willContinue": True}
    piece = {"partialArgs": [{"jsonPath": "$.tz", "stringValue": "CET"}], "willContinue": True}
    events = [_chunk({"functionCall": call}), _chunk({"functionCall": piece}), _chunk({"functionCall": {}})]
    response, _ = read_stream(DIALECT, [sse(*events, _chunk(finishReason="STOP"))])
    assert [(item.name, item.path) for item in response.tool_calls] == [
        ("now", "/candidates/0/content/parts/0/functionCall/args")
    ]
    assert "CET" in response.segments[0].text


def test_several_candidates() -> None:
    events = [
        {"candidates": [{"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "MAX_TOKENS"}]},
        {"candidates": [{"index": 0, "content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]},
    ]
    response, _ = read_stream(DIALECT, [sse(*events)])
    assert by_path(response) == {
        "/candidates/1/content/parts/0/text": ("assistant", "b"),
        "/candidates/0/content/parts/0/text": ("assistant", "a"),
    }
    assert response.finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("raw", "reason", "word"),
    [
        ("STOP", FinishReason.STOP, "STOP"),
        ("MAX_TOKENS", FinishReason.LENGTH, "MAX_TOKENS"),
        ("SAFETY", FinishReason.CONTENT_FILTER, "SAFETY"),
        ("RECITATION", FinishReason.CONTENT_FILTER, "RECITATION"),
        ("SPII", FinishReason.CONTENT_FILTER, "SPII"),
        ("MALFORMED_FUNCTION_CALL", FinishReason.ERROR, "MALFORMED_FUNCTION_CALL"),
        ("OF_TOMORROW", FinishReason.OTHER, "OF_TOMORROW"),
        (1, FinishReason.STOP, "STOP"),
        (77, FinishReason.OTHER, "77"),
        ("FINISH_REASON_UNSPECIFIED", None, None),
        (None, None, None),
    ],
)
def test_finish_reasons(raw: Any, reason: FinishReason | None, word: str | None) -> None:
    body = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": raw}]}
    for response in (read_response(DIALECT, body), read_stream(DIALECT, [sse(body)])[0]):
        assert (response.finish_reason, response.raw_finish_reason) == (reason, word)


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "JAILBREAK"])
def test_a_blocked_prompt(reason: str) -> None:
    feedback = {"blockReason": reason, "blockReasonMessage": "Blocked."}
    body = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}
    for response in (read_response(DIALECT, body), read_stream(DIALECT, [sse(body)])[0]):
        assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.CONTENT_FILTER, reason)
        assert by_path(response) == {"/promptFeedback/blockReasonMessage": ("assistant", "Blocked.")}
        assert response.complete
        assert response.usage is not None
        assert (response.usage.input_tokens, response.usage.output_tokens) == (9, 0)


def test_errors_whole_in_an_array_and_in_a_stream() -> None:
    body = {"error": {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}}
    answers = [
        read_response(DIALECT, body, 429),
        read_response(DIALECT, [body], 429),
        read_stream(DIALECT, [STREAM[:300] + b"\n\n" + sse(body)])[0],
        read_stream(DIALECT, [json.dumps([body]).encode()], content_type="application/json", status=429)[0],
    ]
    for response in answers:
        assert response.error is not None
        assert (response.error.type, response.error.message) == ("RESOURCE_EXHAUSTED", "Slow down.")
        assert response.finish_reason is FinishReason.ERROR


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    read_request(DIALECT, data, TARGET)
    read_response(DIALECT, data)
    read_stream(DIALECT, [data])
    read_stream(DIALECT, [b"[" + data], content_type="application/json")


@given(mutated(REQUEST, SNAKE))
def test_any_request_is_survived(body: Any) -> None:
    read_request(DIALECT, body, TARGET)


@given(mutated(ANSWER))
def test_any_answer_is_survived(body: Any) -> None:
    read_response(DIALECT, body)
    read_stream(DIALECT, [sse(body)])


@given(mutated(EVENTS))
def test_any_stream_is_survived(events: Any) -> None:
    read_stream(DIALECT, [sse(*(events if isinstance(events, list) else [events]))])


@pytest.mark.parametrize(
    ("status", "error"), [(403, errors.ClientError), (429, errors.ClientError), (503, errors.ServerError)]
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_raises_our_refusal(status: int, error: type[errors.APIError], stream: bool) -> None:
    answer = DIALECT.refuse(Refusal(status=status, code="policy", message="Not here.", request_id="mw-1"))
    assert ("x-midwatch-request-id", "mw-1") in answer.headers
    with pytest.raises(error, match="Not here") as caught:
        _ask(answer.status, answer.headers, answer.body, stream=stream)
    assert caught.value.code == status
    assert "policy" in str(caught.value.details)


def test_the_sdk_raises_our_refusal_in_a_stream() -> None:
    refusal = Refusal(status=403, code="policy", message="Not here.", request_id="mw-1")
    body = sse(*EVENTS[:3]) + DIALECT.refuse_in_stream(refusal)
    with pytest.raises(errors.ClientError, match="Not here") as caught:
        _ask(200, [("content-type", "text/event-stream")], body, stream=True)
    assert caught.value.status == "PERMISSION_DENIED"
    response, _ = read_stream(DIALECT, [body])
    assert response.error is not None
    assert response.error.type == "PERMISSION_DENIED"


@pytest.mark.parametrize("recording", recorded("gemini", "vertex"))
def test_recorded_answers(recording: Recording) -> None:
    body = recording.response.json
    response = read_response(DIALECT, recording.response.plain, recording.status)
    assert response.decode_error is None
    if "error" in body:
        assert response.error is not None
        assert response.error.message == body["error"]["message"]
        return
    candidate = body["candidates"][0]
    parts = candidate["content"]["parts"]
    assert response.model == body["modelVersion"]
    assert response.raw_finish_reason == {1: "STOP"}.get(candidate["finishReason"], candidate["finishReason"])
    assert _said(response, "assistant") == "".join(part.get("text", "") for part in parts if not part.get("thought"))
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [(call.id, call.name) for call in response.tool_calls] == [(call.get("id"), call["name"]) for call in calls]
    _check_usage(response, body["usageMetadata"])


@pytest.mark.parametrize("recording", recorded("gemini-sse", "vertex-sse"))
def test_recorded_streams(recording: Recording) -> None:
    body = recording.response.body
    chunks = split_at(body, list(range(0, len(body), 113)))
    response, _ = read_stream(DIALECT, chunks, encoding=recording.response.headers.get("content-encoding", ""))
    events = recording.response.sse
    parts = [part for event in events for part in event["candidates"][0]["content"].get("parts", [])]
    assert response.complete
    assert response.decode_error is None
    assert (response.model, response.id) == (events[0]["modelVersion"], events[0]["responseId"])
    assert response.raw_finish_reason == events[-1]["candidates"][0]["finishReason"]
    assert _said(response, "assistant") == "".join(p.get("text", "") for p in parts if not p.get("thought"))
    assert _said(response, "reasoning") == "".join(p.get("text", "") for p in parts if p.get("thought"))
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert [(call.id, call.name) for call in response.tool_calls] == [(call.get("id"), call["name"]) for call in calls]
    _check_usage(response, events[-1]["usageMetadata"])


@pytest.mark.parametrize("recording", recorded("gemini", "gemini-sse", "vertex", "vertex-sse"))
def test_recorded_requests(recording: Recording) -> None:
    path = recording.uri.partition("?")[0].partition(".com")[2]
    body = recording.request.json
    request = read_request(DIALECT, recording.request.plain, Target(host="h", path=path))
    assert request.decode_error is None
    assert request.model == path.rpartition("/")[2].partition(":")[0]
    assert request.stream == recording.kind.endswith("-sse")
    said = [item.text for item in request.segments if item.part.value in ("user", "assistant")]
    assert said == [part["text"] for content in body["contents"] for part in content["parts"] if part.get("text")]
    declared = [tool.get("functionDeclarations") or [] for tool in body.get("tools", [])]
    assert set(request.tools) >= {function["name"] for functions in declared for function in functions}


def _check_usage(response: Response, usage: dict[str, Any]) -> None:
    assert response.usage is not None
    assert response.usage.input_tokens == usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0)
    assert response.usage.output_tokens == usage["totalTokenCount"] - response.usage.input_tokens
    assert response.usage.reasoning_tokens == usage.get("thoughtsTokenCount")


def _said(response: Response, part: str) -> str:
    return "".join(item.text for item in response.segments if item.part.value == part)


def _comparable(response: Response) -> tuple[Any, ...]:
    return (
        response.model,
        response.id,
        response.segments,
        response.tool_calls,
        response.finish_reason,
        response.raw_finish_reason,
        response.usage,
        response.service_tier,
        response.decode_error,
    )


def _ask(status: int, headers: Iterable[tuple[str, str]], body: bytes, *, stream: bool) -> None:
    """The real client, given this answer."""
    with answering(status, headers, body) as url:
        options = types.HttpOptions(base_url=url, retry_options=types.HttpRetryOptions(attempts=1))
        client = genai.Client(api_key="k", http_options=options)
        if stream:
            list(client.models.generate_content_stream(model="m", contents="x"))
        else:
            client.models.generate_content(model="m", contents="x")
