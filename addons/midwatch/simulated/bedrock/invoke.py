"""Bedrock's InvokeModel: each model's own format, of which Anthropic's and Amazon Nova's are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson

from midwatch.simulated.anthropic import messages as anthropic
from midwatch.simulated.bedrock.converse import message, model_of, stream_events
from midwatch.simulated.bedrock.errors import FAILURE, error, headers
from midwatch.simulated.bedrock.framing import CONTENT_TYPE, chunk
from midwatch.simulated.call import Answer, Call, Headers, Json
from midwatch.simulated.script import Script

_METRICS = "amazon-bedrock-invocationMetrics"
_TIMES = {"invocationLatency": 420, "firstByteLatency": 42}


def invoke(call: Call, script: Script) -> Answer:
    """The answer to `POST /model/{id}/invoke`; its tokens stand in the head too."""
    if script.status >= 400:
        return error(call, script)
    if _is_anthropic(call):
        body = orjson.loads(anthropic.answer(_as_anthropic(call, stream=False), script).body or b"{}")
        counts = _anthropic_counts(body["usage"])
    elif "nova" in model_of(call):
        body = message(call, script)
        counts = _nova_counts(body["usage"])
    else:
        return error(call, replace(script, status=404))
    return Answer(headers=(*headers(call), *_counted(counts)), body=orjson.dumps(body))


def invoke_stream(call: Call, script: Script) -> Answer:
    """The answer to `POST /model/{id}/invoke-with-response-stream`; the last chunk has the metrics."""
    if script.status >= 400:
        return error(call, script)
    if _is_anthropic(call):
        events = _anthropic_chunks(call, script)
    elif "nova" in model_of(call):
        events = _nova_chunks(call, script)
    else:
        return error(call, replace(script, status=404))
    extra: Headers = (("x-amzn-bedrock-content-type", "application/json"),)
    return Answer(headers=headers(call) + extra, content_type=CONTENT_TYPE, events=events, failure=FAILURE)


def _is_anthropic(call: Call) -> bool:
    return "anthropic_version" in call.body or "anthropic." in model_of(call)


def _as_anthropic(call: Call, *, stream: bool) -> Call:
    """The same call to Anthropic's own API: the model's name there has neither vendor nor version."""
    name = model_of(call).rpartition("anthropic.")[2].partition("-v")[0]
    return replace(call, body={**call.body, "model": name, "stream": stream})


def _anthropic_chunks(call: Call, script: Script) -> Iterator[bytes]:
    usage: Json = {}
    for sent in anthropic.answer(_as_anthropic(call, stream=True), script).events:
        event = orjson.loads(sent.partition(b"data: ")[2])
        usage |= event.get("usage") or event.get("message", {}).get("usage", {})
        if event["type"] == "message_stop":
            event[_METRICS] = _anthropic_counts(usage) | _TIMES
        if event["type"] != "ping":
            yield chunk(orjson.dumps(event))


def _nova_chunks(call: Call, script: Script) -> Iterator[bytes]:
    for name, event in stream_events(call, script):
        wrapped: Json = {name: event}
        if name == "metadata":
            wrapped[_METRICS] = _nova_counts(event["usage"]) | _TIMES
        yield chunk(orjson.dumps(wrapped))


def _anthropic_counts(usage: Json) -> Json:
    return _counts(
        usage["input_tokens"],
        usage["output_tokens"],
        usage.get("cache_read_input_tokens") or 0,
        usage.get("cache_creation_input_tokens") or 0,
    )


def _nova_counts(usage: Json) -> Json:
    return _counts(
        usage["inputTokens"], usage["outputTokens"], usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]
    )


def _counts(fresh: int, written: int, cache_read: int, cache_write: int) -> Json:
    return {
        "inputTokenCount": fresh,
        "outputTokenCount": written,
        "cacheReadInputTokenCount": cache_read,
        "cacheWriteInputTokenCount": cache_write,
    }


def _counted(counts: Json) -> Headers:
    names = {
        "inputTokenCount": "input",
        "outputTokenCount": "output",
        "cacheReadInputTokenCount": "cache-read-input",
        "cacheWriteInputTokenCount": "cache-write-input",
    }
    return tuple((f"x-amzn-bedrock-{name}-token-count", str(counts[key])) for key, name in names.items())
