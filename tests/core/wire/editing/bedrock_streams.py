"""Bedrock's streams, written out: Converse's events, and the formats of models inside chunks."""

import json
from typing import Any

from midwatch.simulated.bedrock.framing import chunk, message

CONVERSE: list[tuple[str, dict[str, Any]]] = [
    ("messageStart", {"role": "assistant", "p": "abc"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Let me"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": " see."}}, "p": "abcdef"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Grüße "}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "an alle."}}),
    (
        "contentBlockDelta",
        {"contentBlockIndex": 1, "delta": {"citation": {"title": "A", "sourceContent": [{"text": "said so"}]}}},
    ),
    ("contentBlockStop", {"contentBlockIndex": 1}),
    (
        "contentBlockStart",
        {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t0", "name": "get_weather"}}},
    ),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"city": "Rī'}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": 'ga"}'}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}),
    ("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolResult": {"toolUseId": "t1", "status": "success"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolResult": [{"text": "Sun, "}]}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolResult": [{"text": "and wind"}]}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolResult": [{"json": {"out": "mild"}}]}}),
    ("contentBlockStop", {"contentBlockIndex": 3}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12}, "metrics": {"latencyMs": 5}}),
]
METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 3}}
TITAN = [
    {"outputText": "Grüße ", "index": 0, "totalOutputTextTokenCount": None, "completionReason": None},
    {"outputText": "an alle.", "index": 0, "totalOutputTextTokenCount": 3, "completionReason": "FINISH", **METRICS},
]
LLAMA = [
    {"generation": "Grüße ", "prompt_token_count": 9, "generation_token_count": 1, "stop_reason": None},
    {"generation": "an alle.", "prompt_token_count": None, "generation_token_count": 3, "stop_reason": None},
    {"generation": "", "prompt_token_count": None, "generation_token_count": 3, "stop_reason": "stop", **METRICS},
]
MISTRAL = [
    {"outputs": [{"text": "Grüße ", "stop_reason": None}]},
    {"outputs": [{"text": "an alle.", "stop_reason": "stop"}], **METRICS},
]
COHERE = [
    {"event_type": "text-generation", "text": "Grüße ", "is_finished": False},
    {"event_type": "text-generation", "text": "an alle.", "is_finished": False},
    {
        "event_type": "tool-calls-generation",
        "is_finished": False,
        "tool_calls": [{"name": "get_weather", "parameters": {"city": "Rīga"}}],
    },
    {
        "event_type": "stream-end",
        "is_finished": True,
        "finish_reason": "COMPLETE",
        "response": {"text": "Grüße an alle.", "generation_id": "g1"},
        **METRICS,
    },
]
CHOICES = [
    {"choices": [{"text": "Grüße ", "stop_reason": None}]},
    {"choices": [{"text": "an alle.", "stop_reason": "length"}], **METRICS},
]


def converse(*events: tuple[str, dict[str, Any]]) -> bytes:
    """ConverseStream's messages; by the standard library's JSON, which writes numbers of any size."""
    return b"".join(_event(name, json.dumps(value).encode()) for name, value in events)


def _event(name: str, payload: bytes) -> bytes:
    return message(((":event-type", name), (":content-type", "application/json"), (":message-type", "event")), payload)


def chunks(*events: Any) -> bytes:
    """The chunks of an invocation."""
    return b"".join(chunk(json.dumps(item).encode()) for item in events)


def nova() -> bytes:
    """Converse's events, in Nova's own format."""
    wrapped: list[dict[str, Any]] = [{name: value} for name, value in CONVERSE]
    return chunks(*wrapped[:-1], {**wrapped[-1], **METRICS})


# Each: name, dialect, body.
WRITTEN = [
    ("bedrock-converse", "bedrock.converse", converse(*CONVERSE)),
    ("bedrock-nova", "bedrock.invoke", nova()),
    ("bedrock-titan", "bedrock.invoke", chunks(*TITAN)),
    ("bedrock-llama", "bedrock.invoke", chunks(*LLAMA)),
    ("bedrock-mistral", "bedrock.invoke", chunks(*MISTRAL)),
    ("bedrock-cohere", "bedrock.invoke", chunks(*COHERE)),
    ("bedrock-deepseek", "bedrock.invoke", chunks(*CHOICES)),
]
