"""Invocations: each model's own format, whole and in chunks, and what is done with one that is not known."""

import json
from typing import Any

import pytest
from hypothesis import given

from midwatch_core.model.content import FinishReason, Operation, ToolResult
from midwatch_core.model.usage import Usage
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects.bedrock.invoke import BedrockInvoke
from midwatch_core.wire.eventstream import CONTENT_TYPE, event_message
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import by_path, mutated, read_request, read_response, read_stream

INVOKE = BedrockInvoke()
METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 3}}


def target(model: str, call: str = "invoke") -> Target:
    host = "bedrock-runtime.us-east-1.amazonaws.com"
    return Target(host=host, path=f"/model/{model}/{call}", captures={"model": model})


def asked(*said: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": item} for item in said]}


REQUESTS: list[tuple[str, dict[str, Any], dict[str, tuple[str, str]]]] = [
    (
        "us.anthropic.claude-sonnet-4-5-v1:0",
        {"anthropic_version": "bedrock-2023-05-31", "system": "Be brief.", **asked([{"type": "text", "text": "Hi"}])},
        {"/system": ("system", "Be brief."), "/messages/0/content/0/text": ("user", "Hi")},
    ),
    (
        "amazon.nova-lite-v1:0",
        {"system": [{"text": "Be brief."}], **asked([{"text": "Hi"}])},
        {"/system/0/text": ("system", "Be brief."), "/messages/0/content/0/text": ("user", "Hi")},
    ),
    (
        "arn:aws:bedrock:us-east-1:1:provisioned-model/x",
        asked([{"text": "Hi"}]),
        {"/messages/0/content/0/text": ("user", "Hi")},
    ),
    ("openai.gpt-oss-120b-1:0", asked("Hi"), {"/messages/0/content": ("user", "Hi")}),
    ("amazon.titan-text-lite-v1", {"inputText": "Hi", "textGenerationConfig": {}}, {"/inputText": ("user", "Hi")}),
    ("amazon.titan-embed-text-v2:0", {"inputText": "Hi", "dimensions": 256}, {"/inputText": ("user", "Hi")}),
    ("meta.llama3-1-8b-instruct-v1:0", {"prompt": "Hi", "max_gen_len": 5}, {"/prompt": ("user", "Hi")}),
    (
        "cohere.embed-english-v3",
        {"texts": ["a", "b"], "input_type": "x"},
        {"/texts/0": ("user", "a"), "/texts/1": ("user", "b")},
    ),
    (
        "cohere.command-r-v1:0",
        {
            "message": "Hi",
            "preamble": "Be brief.",
            "chat_history": [{"role": "USER", "message": "a"}, {"role": "CHATBOT", "message": "b"}],
            "documents": [{"title": "T", "snippet": "S"}],
            "tools": [{"name": "look", "description": "Looks"}],
            "tool_results": [{"call": {"name": "look"}, "outputs": [{"text": "seen"}]}],
        },
        {
            "/message": ("user", "Hi"),
            "/preamble": ("system", "Be brief."),
            "/chat_history/0/message": ("user", "a"),
            "/chat_history/1/message": ("assistant", "b"),
            "/documents/0": ("document", '{"title":"T","snippet":"S"}'),
            "/tools/0": ("tool_definition", '{"name":"look","description":"Looks"}'),
            "/tool_results/0/call/name": ("tool_result", "look"),
            "/tool_results/0/outputs/0/text": ("tool_result", "seen"),
        },
    ),
    (
        "stability.sd3-5-large-v1:0",
        {"text_prompts": [{"text": "a cat"}], "init_image": "aW1hZ2U="},
        {"/text_prompts/0/text": ("user", "a cat")},
    ),
    (
        "amazon.titan-image-generator-v2:0",
        {"taskType": "INPAINTING", "inPaintingParams": {"text": "a cat", "image": "aW1hZ2U="}},
        {"/inPaintingParams/text": ("user", "a cat")},
    ),
    (
        "amazon.nova-2-multimodal-embeddings-v1:0",
        {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"text": {"value": "a cat"}}},
        {"/singleEmbeddingParams/text/value": ("user", "a cat")},
    ),
]


@pytest.mark.parametrize(("model", "body", "texts"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_a_request(model: str, body: dict[str, Any], texts: dict[str, tuple[str, str]]) -> None:
    request = read_request(INVOKE, body, target(model))
    assert by_path(request) == texts
    assert (request.model, request.stream, request.decode_error) == (model, False, None)
    assert request.parameters["region"] == "us-east-1"
    assert "format" not in request.parameters
    operation = Operation.EMBEDDINGS if "embed" in model else Operation.CHAT
    assert request.operation == (operation if "messages" in body or "embed" in model else Operation.TEXT_COMPLETION)


def test_a_request_of_a_format_that_is_not_known_is_searched_and_said_to_be_so() -> None:
    request = read_request(INVOKE, {"utterance": {"words": "Hi"}, "steps": 3}, target("new.model-v1:0"))
    assert by_path(request) == {"/utterance/words": ("user", "Hi")}
    assert request.parameters["format"] == "unknown"


def test_results_of_tools_are_told_in_every_format() -> None:
    cohere = read_request(INVOKE, REQUESTS[8][1], target("cohere.command-r-v1:0"))
    assert cohere.tool_results == (ToolResult(call_id=None, name="look", path="/tool_results/0/outputs"),)
    block = {"type": "tool_result", "tool_use_id": "t0", "content": "seen"}
    anthropic = read_request(INVOKE, asked([block]), target("anthropic.x"))
    assert anthropic.tool_results == (ToolResult(call_id="t0", path="/messages/0/content/0/content"),)
    nova = read_request(INVOKE, asked([{"toolResult": {"toolUseId": "t0", "content": []}}]), target("amazon.nova-x"))
    assert nova.tool_results == (ToolResult(call_id="t0", path="/messages/0/content/0/toolResult/content"),)


def test_a_streamed_request_is_told_by_its_path() -> None:
    assert read_request(INVOKE, {"prompt": "Hi"}, target("m", "invoke-with-response-stream")).stream


ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 1},
}
NOVA = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12},
}
OPENAI = {
    "id": "c1",
    "model": "openai.gpt-oss-120b-1:0",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3},
}
MISTRAL_CHAT = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "stop_reason": "length"}]
}
TITAN = {
    "inputTextTokenCount": 9,
    "results": [{"tokenCount": 3, "outputText": "Hello", "completionReason": "FINISH"}],
}
LLAMA = {"generation": "Hello", "prompt_token_count": 9, "generation_token_count": 3, "stop_reason": "length"}
ANSWERS: list[tuple[str, dict[str, Any], str, FinishReason, tuple[int, int] | None]] = [
    ("anthropic", ANTHROPIC, "/content/0/text", FinishReason.STOP, (10, 3)),
    ("nova", NOVA, "/output/message/content/0/text", FinishReason.STOP, (9, 3)),
    ("openai", OPENAI, "/choices/0/message/content", FinishReason.STOP, (9, 3)),
    ("mistral-chat", MISTRAL_CHAT, "/choices/0/message/content", FinishReason.LENGTH, None),
    ("titan", TITAN, "/results/0/outputText", FinishReason.STOP, (9, 3)),
    ("llama", LLAMA, "/generation", FinishReason.LENGTH, (9, 3)),
    ("mistral", {"outputs": [{"text": "Hello", "stop_reason": "stop"}]}, "/outputs/0/text", FinishReason.STOP, None),
    (
        "cohere",
        {"generations": [{"text": "Hello", "finish_reason": "COMPLETE"}], "id": "x"},
        "/generations/0/text",
        FinishReason.STOP,
        None,
    ),
    (
        "cohere-chat",
        {"text": "Hello", "generation_id": "g", "chat_history": [], "finish_reason": "MAX_TOKENS"},
        "/text",
        FinishReason.LENGTH,
        None,
    ),
    (
        "ai21",
        {"completions": [{"data": {"text": "Hello"}, "finishReason": {"reason": "endoftext"}}]},
        "/completions/0/data/text",
        FinishReason.STOP,
        None,
    ),
    ("deepseek", {"choices": [{"text": "Hello", "stop_reason": "stop"}]}, "/choices/0/text", FinishReason.STOP, None),
]


@pytest.mark.parametrize(("name", "body", "path", "reason", "tokens"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_a_whole_answer(
    name: str, body: dict[str, Any], path: str, reason: FinishReason, tokens: tuple[int, int] | None
) -> None:
    response = read_response(INVOKE, body)
    assert by_path(response) == {path: ("assistant", "Hello")}
    assert (response.finish_reason, response.decode_error) == (reason, None)
    counted = response.usage and (response.usage.input_tokens, response.usage.output_tokens)
    assert counted == tokens


def test_cohere_calls_tools() -> None:
    body = {"text": "", "generation_id": "g", "tool_calls": [{"name": "look", "parameters": {"at": "it"}}]}
    response = read_response(INVOKE, body)
    assert [(call.name, call.path) for call in response.tool_calls] == [("look", "/tool_calls/0/parameters")]
    assert by_path(response) == {"/tool_calls/0/parameters": ("tool_call", '{"at":"it"}')}


def test_vectors_are_no_text() -> None:
    response = read_response(INVOKE, {"embedding": [0.1, 0.2], "inputTextTokenCount": 4})
    assert (response.segments, response.usage) == ((), Usage(input_tokens=4))
    assert read_response(INVOKE, {"images": ["aGk="]}).segments == ()


def test_an_answer_of_a_format_that_is_not_known_is_searched() -> None:
    response = read_response(INVOKE, {"replies": [{"answer": "Hello"}], "id": "x"})
    assert by_path(response) == {"/replies/0/answer": ("assistant", "Hello")}


def test_a_guardrails_word_is_why_it_ended() -> None:
    response = read_response(INVOKE, {**TITAN, "amazon-bedrock-guardrailAction": "INTERVENED"})
    assert response.finish_reason == FinishReason.CONTENT_FILTER


def test_tokens_stand_in_the_head_where_the_body_has_none() -> None:
    heads = {
        "x-amzn-bedrock-input-token-count": "9",
        "x-amzn-bedrock-output-token-count": "3",
        "x-amzn-bedrock-cache-read-input-token-count": "5",
        "x-amzn-bedrock-service-tier": "priority",
        "x-amzn-requestid": "r-1",
    }
    decoder = ResponseDecoder(
        INVOKE, status=200, content_type="application/json", content_encoding="", asked_to_stream=False, headers=heads
    )
    decoder.feed(json.dumps(MISTRAL_CHAT).encode())
    response = decoder.finish().response
    assert response.usage == Usage(input_tokens=14, output_tokens=3, cache_read_tokens=5)
    assert (response.id, response.service_tier) == ("r-1", "priority")


@pytest.mark.parametrize("count", ["", "x", "-1", "1.5", "9" * 40])
def test_a_head_that_counts_nothing_is_no_usage(count: str) -> None:
    response = read_response(INVOKE, MISTRAL_CHAT)
    assert INVOKE.with_head(response, {"x-amzn-bedrock-input-token-count": count}).usage is None


def chunks(*events: Any) -> bytes:
    return b"".join(event_message("chunk", json.dumps(event).encode()) for event in events)


STREAMS: list[tuple[str, tuple[Any, ...], str, FinishReason]] = [
    (
        "mistral-chat",
        (
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hel"}, "stop_reason": None}]},
            {"choices": [{"index": 0, "message": {"content": "lo"}, "stop_reason": "length"}], **METRICS},
        ),
        "/choices/0/message/content",
        FinishReason.LENGTH,
    ),
    (
        "openai",
        (
            {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
            {"id": "c1", "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
            {"id": "c1", "choices": [], **METRICS},
        ),
        "/choices/0/message/content",
        FinishReason.STOP,
    ),
    (
        "mistral",
        (
            {"outputs": [{"text": "Hel", "stop_reason": None}]},
            {"outputs": [{"text": "lo", "stop_reason": "stop"}], **METRICS},
        ),
        "/outputs/0/text",
        FinishReason.STOP,
    ),
    (
        "cohere",
        (
            {"text": "Hel", "is_finished": False, "index": 0},
            {"text": "lo", "is_finished": False, "index": 0},
            {"is_finished": True, "finish_reason": "COMPLETE", **METRICS},
        ),
        "/generations/0/text",
        FinishReason.STOP,
    ),
]


@pytest.mark.parametrize(("name", "events", "path", "reason"), STREAMS, ids=[row[0] for row in STREAMS])
def test_a_streamed_answer(name: str, events: tuple[Any, ...], path: str, reason: FinishReason) -> None:
    response, _ = read_stream(INVOKE, [chunks(*events)], content_type=CONTENT_TYPE)
    assert by_path(response) == {path: ("assistant", "Hello")}
    assert (response.finish_reason, response.complete, response.decode_error) == (reason, True, None)
    assert response.usage == Usage(input_tokens=9, output_tokens=3)


def test_a_stream_of_a_format_that_is_not_known_is_noted_and_counted() -> None:
    response, _ = read_stream(INVOKE, [chunks({"new": 1}, {"last": 2, **METRICS})], content_type=CONTENT_TYPE)
    assert response.decode_error == "event 1: ValueError: a chunk of a format that is not known"
    assert (response.usage, response.complete) == (Usage(input_tokens=9, output_tokens=3), True)


def test_an_exception_ends_the_stream() -> None:
    body = chunks(STREAMS[2][1][0]) + event_message("modelStreamErrorException", b'{"message":"Ouch"}')
    response, _ = read_stream(INVOKE, [body], content_type=CONTENT_TYPE)
    assert by_path(response) == {"/outputs/0/text": ("assistant", "Hel")}
    assert response.error is not None
    assert (response.error.type, response.error.message) == ("modelStreamErrorException", "Ouch")
    assert response.complete


@given(mutated(*(row[1] for row in REQUESTS)), mutated(*(row[1] for row in ANSWERS)))
def test_anything_is_read_without_an_exception(request_: Any, answer: Any) -> None:
    decode_request(INVOKE, json.dumps(request_).encode(), target("m"))
    read_response(INVOKE, answer)


@given(
    mutated(*(event for row in STREAMS for event in row[1])), mutated(*(event for row in STREAMS for event in row[1]))
)
def test_any_chunk_is_read_without_an_exception(first: Any, second: Any) -> None:
    read_stream(INVOKE, [chunks(first, second)], content_type=CONTENT_TYPE)
