"""Recorded exchanges of OpenAI's dialects: what we read against a second, plain reading of the same bytes."""

from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

import pytest

from midwatch_core.model.content import FinishReason, Response
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.completions import OpenAICompletions
from midwatch_core.wire.dialects.openai.embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.streaming import ResponseDecoder
from tests.core.wire.recordings import Recording, recorded
from tests.core.wire.wire_checks import TARGET

KINDS = (
    "openai-chat",
    "openai-chat-sse",
    "openai-completions-sse",
    "openai-embeddings",
    "openai-responses",
    "openai-responses-sse",
    "azure-openai",
    "azure-openai-sse",
    "deepseek",
    "groq-sse",
    "mistral",
    "mistral-sse",
    "openrouter-sse",
    "vllm-local-sse",
    "http-error",
)
FINISHES = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
PATHS: list[tuple[str, Dialect]] = [
    ("/chat/completions", OpenAIChat()),
    ("/completions", OpenAICompletions()),
    ("/embeddings", OpenAIEmbeddings()),
    ("/responses", OpenAIResponses()),
]


def dialect_of(recording: Recording) -> Dialect | None:
    path = urlsplit(recording.uri).path
    return next((dialect for end, dialect in PATHS if path.endswith(end)), None)


def chosen(*ends: str, status: range = range(200, 300)) -> list[Any]:
    """The recordings whose path ends so, or the one that skips."""
    found = recorded(*KINDS)
    return [
        item
        for item in found
        if item.values[0] is None
        or (item.values[0].status in status and any(urlsplit(item.values[0].uri).path.endswith(end) for end in ends))
    ]


def decoded(recording: Recording) -> Response:
    dialect = dialect_of(recording)
    assert dialect is not None
    decoder = ResponseDecoder(
        dialect,
        status=recording.status,
        content_type=recording.response.headers.get("content-type", ""),
        content_encoding="gzip" if recording.response.body.startswith(b"\x1f\x8b") else "",
        asked_to_stream=True,
    )
    for start in range(0, len(recording.response.body), 97):
        decoder.feed(recording.response.body[start : start + 97])
    return decoder.finish().response


def is_streamed(recording: Recording) -> bool:
    return b"data: " in recording.response.plain[:4000] and not recording.response.plain.startswith(b"{")


def documents(recording: Recording) -> list[Any]:
    """The events of a stream, or the one document of a whole answer."""
    return recording.response.sse if is_streamed(recording) else [recording.response.json]


def text_of(content: Any, kind: str) -> str:
    """Text or thinking in content as a string or as parts."""
    if isinstance(content, str):
        return content if kind == "text" else ""
    found = ""
    for part in content or []:
        if part["type"] == kind:
            found += text_of(part["thinking"], "text") if kind == "thinking" else part["text"]
    return found


def chat_expectation(recording: Recording) -> dict[str, Any]:
    said: dict[str, str] = defaultdict(str)
    calls: dict[tuple[int, int], dict[str, str]] = {}
    found: dict[str, Any] = {"model": None, "usage": None, "finish": None}
    for document in documents(recording):
        found["model"] = found["model"] or document.get("model")
        found["usage"] = document.get("usage") or (document.get("x_groq") or {}).get("usage") or found["usage"]
        for choice in document.get("choices") or []:
            message = choice.get("delta") or choice.get("message") or {}
            said["text"] += text_of(message.get("content"), "text") + (choice.get("text") or "")
            said["reasoning"] += message.get("reasoning") or text_of(message.get("content"), "thinking")
            for position, call in enumerate(message.get("tool_calls") or []):
                entry = calls.setdefault((choice["index"], call.get("index", position)), defaultdict(str))
                entry["name"] += call["function"].get("name") or ""
                entry["id"] = call.get("id") or entry["id"]
                entry["arguments"] += call["function"].get("arguments") or ""
            found["finish"] = choice.get("finish_reason") or found["finish"]
    return {**found, **{key: said[key] for key in ("text", "reasoning")}, "calls": list(calls.values())}


@pytest.mark.parametrize("recording", chosen("/chat/completions", "/completions"))
def test_chat_and_completions(recording: Recording) -> None:
    expected, response = chat_expectation(recording), decoded(recording)
    assert response.decode_error is None
    assert response.complete
    assert response.model == expected["model"]
    assert joined(response, "assistant") == expected["text"]
    assert joined(response, "reasoning").startswith(expected["reasoning"])
    assert called(response) == [(call["id"], call["name"], call["arguments"]) for call in expected["calls"]]
    check_chat_usage(response, expected["usage"])
    if response.error is None:
        assert response.raw_finish_reason == expected["finish"]
        assert response.finish_reason == FINISHES[expected["finish"]]


def joined(response: Response, part: str) -> str:
    return "".join(segment.text for segment in response.segments if segment.part == part)


def called(response: Response) -> list[tuple[str | None, str, str]]:
    texts = {segment.path: segment.text for segment in response.segments}
    return [(call.id, call.name, texts.get(call.path, "")) for call in response.tool_calls]


def check_chat_usage(response: Response, usage: dict[str, Any] | None) -> None:
    if not usage:
        assert response.usage is None
        return
    assert response.usage is not None
    assert response.usage.input_tokens == usage["prompt_tokens"]
    assert response.usage.output_tokens == usage["completion_tokens"]
    inputs, outputs = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    assert response.usage.cache_read_tokens == inputs.get("cached_tokens")
    assert response.usage.reasoning_tokens == outputs.get("reasoning_tokens")


@pytest.mark.parametrize("recording", chosen("/responses"))
def test_responses(recording: Recording) -> None:
    whole = documents(recording)[-1]
    whole = whole.get("response", whole)
    response = decoded(recording)
    assert response.decode_error is None
    assert response.complete
    assert (response.id, response.model) == (whole["id"], whole["model"])
    assert response.service_tier == whole["service_tier"]
    assert joined(response, "assistant") == "".join(
        part["text"] for item in whole["output"] if item["type"] == "message" for part in item["content"]
    )
    functions = [item for item in whole["output"] if item["type"] == "function_call"]
    assert [call for call in called(response) if (call[0] or "").startswith("call_")] == [
        (item["call_id"], item["name"], item["arguments"]) for item in functions
    ]
    assert response.finish_reason == (FinishReason.TOOL_CALLS if functions else FinishReason.STOP)
    assert response.usage is not None
    usage = whole["usage"]
    assert response.usage.input_tokens == usage["input_tokens"]
    assert response.usage.output_tokens == usage["output_tokens"]
    assert response.usage.cache_read_tokens == usage["input_tokens_details"]["cached_tokens"]
    assert response.usage.reasoning_tokens == usage["output_tokens_details"]["reasoning_tokens"]


@pytest.mark.parametrize("recording", chosen("/embeddings"))
def test_embeddings(recording: Recording) -> None:
    response, whole = decoded(recording), recording.response.json
    assert response.decode_error is None
    assert response.model == whole["model"]
    assert response.usage is not None
    assert response.usage.input_tokens == whole["usage"]["prompt_tokens"]
    assert response.segments == ()


@pytest.mark.parametrize("recording", chosen(*(end for end, _ in PATHS), status=range(400, 600)))
def test_errors(recording: Recording) -> None:
    response, whole = decoded(recording), recording.response.json
    error = whole.get("error", whole)
    assert response.error is not None
    assert response.error.message == error["message"]
    assert response.error.type in (error.get("type"), error.get("code"), str(error.get("statusCode")))
    assert response.decode_error is None


@pytest.mark.parametrize("recording", chosen(*(end for end, _ in PATHS), status=range(200, 600)))
def test_requests(recording: Recording) -> None:
    dialect = dialect_of(recording)
    assert dialect is not None
    body = recording.request.json
    request = decode_request(dialect, recording.request.body, TARGET).request
    assert request.decode_error is None
    assert request.model == body.get("model")
    assert request.stream == bool(body.get("stream"))
    texts = [segment.text for segment in request.segments]
    for message in body.get("messages", []):
        if isinstance(message.get("content"), str) and message["content"]:
            assert message["content"] in texts
        for call in message.get("tool_calls") or []:
            assert call["function"]["arguments"] in texts
    for place in ("input", "prompt", "instructions"):
        if isinstance(body.get(place), str):
            assert body[place] in texts
    assert len(request.tools) == len(body.get("tools") or [])
