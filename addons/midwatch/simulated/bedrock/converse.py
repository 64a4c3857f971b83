"""Bedrock's Converse, whole and as an event stream, and the calls beside it that no model answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import orjson

from midwatch.simulated.bedrock.errors import FAILURE, error, headers
from midwatch.simulated.bedrock.framing import CONTENT_TYPE, event
from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.script import Script
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_LATENCY = {"latencyMs": 42}


def converse(call: Call, script: Script) -> Answer:
    """The answer to `POST /model/{id}/converse`."""
    if script.status >= 400:
        return error(call, script)
    return Answer(headers=headers(call), body=orjson.dumps(message(call, script) | {"metrics": _LATENCY}))


def converse_stream(call: Call, script: Script) -> Answer:
    """The answer to `POST /model/{id}/converse-stream`."""
    if script.status >= 400:
        return error(call, script)
    events = (event(name, value) for name, value in stream_events(call, script))
    return Answer(headers=headers(call), content_type=CONTENT_TYPE, events=events, failure=FAILURE)


def count(call: Call, script: Script) -> Answer:
    """The answer to `POST /model/{id}/count-tokens`."""
    if script.status >= 400:
        return error(call, script)
    return Answer(headers=headers(call), body=orjson.dumps({"inputTokens": count_tokens(volume(call.body))}))


def guardrail(call: Call, script: Script) -> Answer:
    """The answer to `POST /guardrail/{id}/version/{version}/apply`: it lets everything pass."""
    if script.status >= 400:
        return error(call, script)
    units = ("topicPolicy", "contentPolicy", "wordPolicy", "sensitiveInformationPolicy", "contextualGroundingPolicy")
    usage = {f"{name}Units": 1 for name in units} | {"sensitiveInformationPolicyFreeUnits": 0}
    passed = {"usage": usage, "action": "NONE", "outputs": [], "assessments": []}
    return Answer(headers=headers(call), body=orjson.dumps(passed))


def model_of(call: Call) -> str:
    """The model that the path names."""
    return unquote(call.path.partition("/model/")[2].rpartition("/")[0])


def message(call: Call, script: Script) -> Json:
    """A whole answer, as Converse and Nova's own format have it."""
    turn = compose(read(call), script)
    return {
        "output": {"message": {"role": "assistant", "content": _content(call, turn)}},
        "stopReason": _reason(turn),
        "usage": _usage(turn, script),
    }


def stream_events(call: Call, script: Script) -> Iterator[tuple[str, Json]]:
    """The same answer as named events; text blocks begin with their first delta, tools with a start."""
    turn = compose(read(call), script)
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(_content(call, turn)):
        if "toolUse" in block:
            start = {key: block["toolUse"][key] for key in ("toolUseId", "name")}
            yield "contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": start}}
        for delta in _deltas(block, turn, index):
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    yield "messageStop", {"stopReason": _reason(turn)}
    yield "metadata", {"usage": _usage(turn, script), "metrics": _LATENCY}


def read(call: Call) -> Prompt:
    """What the request says."""
    body = call.body
    messages = body.get("messages")
    messages = messages if isinstance(messages, list) else []
    characters = volume(messages) + volume(body.get("system")) + volume(body.get("toolConfig"))
    config, extra = _dict(body.get("inferenceConfig")), _dict(body.get("additionalModelRequestFields"))
    limit = config.get("maxTokens", config.get("max_new_tokens"))
    return Prompt(
        model=model_of(call),
        text=_last_user_text(messages),
        input_tokens=count_tokens(characters) + 3 * len(messages),
        tools=_tools(_dict(body.get("toolConfig"))),
        limit=limit if isinstance(limit, int) else None,
        thinks=_dict(extra.get("thinking")).get("type") in ("enabled", "adaptive"),
    )


def _last_user_text(messages: list[Any]) -> str:
    last = _dict(messages[-1] if messages else None)
    blocks = last.get("content")
    if last.get("role") != "user" or not isinstance(blocks, list):
        return ""
    blocks = [block for block in blocks if isinstance(block, dict)]
    if any("toolResult" in block for block in blocks):
        return ""
    return "".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def _tools(config: Json) -> tuple[Tool, ...]:
    tools = config.get("tools")
    specs = [_dict(_dict(tool).get("toolSpec")) for tool in tools] if isinstance(tools, list) else []
    return tuple(
        Tool(name=str(spec.get("name")), schema=_dict(spec.get("inputSchema")).get("json")) for spec in specs if spec
    )


def _content(call: Call, turn: Turn) -> list[Json]:
    blocks: list[Json] = []
    if turn.thinking:
        said = {"text": turn.thought, "signature": call.signature()}
        blocks.append({"reasoningContent": {"reasoningText": said}})
    if turn.reply:
        blocks.append({"text": turn.text})
    for index, tool in enumerate(turn.calls):
        name = call.token(f"tooluse_{index}", 21)
        blocks.append({"toolUse": {"toolUseId": name, "name": tool.name, "input": tool.arguments}})
    return blocks


def _deltas(block: Json, turn: Turn, index: int) -> Iterator[Json]:
    if "text" in block:
        yield from ({"text": piece} for piece in turn.reply)
    elif "reasoningContent" in block:
        yield from ({"reasoningContent": {"text": piece}} for piece in turn.thinking)
        yield {"reasoningContent": {"signature": block["reasoningContent"]["reasoningText"]["signature"]}}
    else:
        before = bool(turn.thinking) + bool(turn.reply)
        yield from ({"toolUse": {"input": piece}} for piece in turn.calls[index - before].pieces)


def _reason(turn: Turn) -> str:
    return "tool_use" if turn.calls else "max_tokens" if turn.truncated else "end_turn"


def _usage(turn: Turn, script: Script) -> Json:
    """Tokens that the cache read or took count beside the input."""
    read_, written = min(script.cached or 0, turn.input_tokens), script.cache_write or 0
    fresh = turn.input_tokens - read_
    return {
        "inputTokens": fresh,
        "outputTokens": turn.output_tokens,
        "totalTokens": fresh + read_ + written + turn.output_tokens,
        "cacheReadInputTokens": read_,
        "cacheWriteInputTokens": written,
    }


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
