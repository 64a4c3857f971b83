"""Recorded exchanges with Bedrock: what we read against botocore's own reading of the same bytes."""

import base64
import json
from collections import defaultdict
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore.eventstream import EventStreamBuffer

from midwatch_core.model.content import FinishReason, Request, Response
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.bedrock.converse import BedrockConverse
from midwatch_core.wire.dialects.bedrock.invoke import BedrockInvoke
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.wire.recordings import Recording, recorded

FINISHES = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "LENGTH": FinishReason.LENGTH,
    "INTERVENED": FinishReason.CONTENT_FILTER,
}


def on_bedrock() -> list[Any]:
    found = recorded("http-error")
    return [item for item in found if item.values[0] is None or "bedrock-runtime" in item.values[0].uri]


def dialect_of(recording: Recording) -> Dialect:
    return BedrockConverse() if "/converse" in recording.uri else BedrockInvoke()


def model_of(recording: Recording) -> str:
    return unquote(urlsplit(recording.uri).path.split("/")[2])


def decoded(recording: Recording) -> Response:
    decoder = ResponseDecoder(
        dialect_of(recording),
        status=recording.status,
        content_type=recording.response.headers.get("content-type", ""),
        content_encoding="",
        asked_to_stream=recording.uri.endswith("stream"),
        headers=recording.response.headers,
    )
    for start in range(0, len(recording.response.body), 97):
        decoder.feed(recording.response.body[start : start + 97])
    return decoder.finish().response


def asked(recording: Recording) -> Request:
    target = Target(
        host=urlsplit(recording.uri).netloc,
        path=urlsplit(recording.uri).path,
        captures={"model": model_of(recording)},
    )
    return decode_request(dialect_of(recording), recording.request.body, target).request


def events(recording: Recording) -> list[tuple[str, Any]]:
    """The stream by botocore's reader; what a chunk holds is read too."""
    buffer = EventStreamBuffer()
    buffer.add_data(recording.response.body)
    found = []
    for message in buffer:
        document = json.loads(message.payload)
        if "bytes" in document:
            document = json.loads(base64.b64decode(document["bytes"]))
        found.append((message.headers[":event-type"], document))
    return found


def said(response: Response, part: str) -> str:
    return "".join(segment.text for segment in response.segments if segment.part == part)


def called(response: Response) -> list[tuple[str | None, str, Any]]:
    texts = {segment.path: segment.text for segment in response.segments}
    return [(call.id, call.name, json.loads(texts.get(call.path) or "{}")) for call in response.tool_calls]


def tool(block: dict[str, Any]) -> tuple[str, str, Any]:
    return block["toolUseId"], block["name"], block["input"]


def check_usage(response: Response, usage: dict[str, Any]) -> None:
    read, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
    assert response.usage is not None
    assert response.usage.input_tokens == usage["inputTokens"] + read + written
    assert response.usage.output_tokens == usage["outputTokens"]
    assert (response.usage.cache_read_tokens or 0) == read
    assert (response.usage.cache_write_tokens or 0) == written


def check_end(response: Response, reason: str) -> None:
    assert response.decode_error is None
    assert response.complete
    assert (response.raw_finish_reason, response.finish_reason) == (reason, FINISHES[reason])


@pytest.mark.parametrize("recording", recorded("bedrock-converse"))
def test_converse(recording: Recording) -> None:
    response, whole = decoded(recording), recording.response.json
    blocks = whole["output"]["message"]["content"]
    check_end(response, whole["stopReason"])
    assert said(response, "assistant") == "".join(block.get("text", "") for block in blocks)
    assert said(response, "reasoning") == "".join(
        block["reasoningContent"]["reasoningText"]["text"] for block in blocks if "reasoningContent" in block
    )
    assert called(response) == [tool(block["toolUse"]) for block in blocks if "toolUse" in block]
    check_usage(response, whole["usage"])


@pytest.mark.parametrize("recording", recorded("bedrock-converse-stream"))
def test_converse_stream(recording: Recording) -> None:
    texts: dict[str, str] = defaultdict(str)
    tools: dict[int, dict[str, Any]] = {}
    reason = ""
    usage: dict[str, Any] = {}
    for name, event in events(recording):
        delta = event.get("delta", {})
        texts["assistant"] += delta.get("text", "")
        texts["reasoning"] += delta.get("reasoningContent", {}).get("text", "")
        if name == "contentBlockStart" and "toolUse" in event["start"]:
            tools[event["contentBlockIndex"]] = {**event["start"]["toolUse"], "input": ""}
        elif "toolUse" in delta:
            tools[event["contentBlockIndex"]]["input"] += delta["toolUse"]["input"]
        reason, usage = event.get("stopReason", reason), event.get("usage", usage)
    response = decoded(recording)
    check_end(response, reason)
    assert said(response, "assistant") == texts["assistant"]
    assert said(response, "reasoning") == texts["reasoning"]
    assert called(response) == [tool({**block, "input": json.loads(block["input"])}) for block in tools.values()]
    check_usage(response, usage)


@pytest.mark.parametrize("recording", recorded("bedrock-invoke"))
def test_invoke(recording: Recording) -> None:
    response, whole = decoded(recording), recording.response.json
    check_end(response, whole["stop_reason"])
    assert (response.id, response.model) == (whole["id"], whole["model"])
    assert said(response, "assistant") == "".join(block.get("text", "") for block in whole["content"])
    assert called(response) == [
        (block["id"], block["name"], block["input"]) for block in whole["content"] if block["type"] == "tool_use"
    ]
    usage, headers = whole["usage"], recording.response.headers
    assert response.usage is not None
    assert response.usage.output_tokens == usage["output_tokens"]
    cached = usage.get("cache_read_input_tokens", 0) + usage.get("cache_creation_input_tokens", 0)
    assert response.usage.input_tokens == usage["input_tokens"] + cached
    # The head counts the same, once more.
    assert int(headers["x-amzn-bedrock-input-token-count"]) == usage["input_tokens"]


@pytest.mark.parametrize("recording", recorded("bedrock-invoke-stream"))
def test_invoke_stream(recording: Recording) -> None:
    chunks = [event for _, event in events(recording)]
    last = chunks[-1]
    metrics = last.get("amazon-bedrock-invocationMetrics") or {
        "inputTokenCount": last["inputTextTokenCount"],
        "outputTokenCount": last["totalOutputTextTokenCount"],
    }
    reason, text, written = "", "", None
    for event in chunks:
        delta = event.get("delta") or {}
        text += event.get("outputText") or delta.get("text") or ""
        reason = event.get("completionReason") or delta.get("stop_reason") or reason
        reason = event.get("amazon-bedrock-guardrailAction") or reason
        # Anthropic counts at the end, and more than Bedrock's metrics where a tool is called.
        written = event.get("usage", {}).get("output_tokens", written)
    response = decoded(recording)
    check_end(response, reason)
    assert said(response, "assistant") == text
    assert response.usage is not None
    assert response.usage.input_tokens == metrics["inputTokenCount"]
    assert response.usage.output_tokens == (written or metrics["outputTokenCount"])
    starts = [event["content_block"] for event in chunks if event.get("type") == "content_block_start"]
    assert [call[:2] for call in called(response)] == [
        (block["id"], block["name"]) for block in starts if block["type"] == "tool_use"
    ]


@pytest.mark.parametrize("recording", on_bedrock())
def test_an_error(recording: Recording) -> None:
    response = decoded(recording)
    assert response.error is not None
    assert response.error.message == recording.response.json["message"]
    assert (response.finish_reason, response.decode_error) == (FinishReason.ERROR, None)


@pytest.mark.parametrize(
    "recording",
    [
        *recorded("bedrock-converse", "bedrock-converse-stream", "bedrock-invoke", "bedrock-invoke-stream"),
        *on_bedrock(),
    ],
)
def test_a_request(recording: Recording) -> None:
    request, body = asked(recording), recording.request.json
    assert request.decode_error is None
    assert request.model == model_of(recording)
    assert request.stream is recording.uri.endswith("stream")
    assert request.parameters["region"] == "us-east-1"
    texts = [segment.text for segment in request.segments]
    for message in body.get("messages", []):
        content = message["content"]
        for block in content if isinstance(content, list) else [{"text": content}]:
            if "text" in block:
                assert block["text"] in texts
    if "inputText" in body:
        assert body["inputText"] in texts
    tools = body.get("toolConfig", {}).get("tools", []) or body.get("tools", [])
    assert len(request.tools) == len(tools)
