"""Anthropic's Messages API: content blocks (thinking, text, tool_use), whole and as a stream."""

from __future__ import annotations

from typing import Any

import orjson

from midwatch.simulated.anthropic.events import stream_events
from midwatch.simulated.anthropic.usage import input_usage
from midwatch.simulated.call import Answer, Call, Headers, Json
from midwatch.simulated.models import dated
from midwatch.simulated.openai.chat import content_text
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import named_event
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_ERRORS = {
    400: ("invalid_request_error", "messages: at least one message is required"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "model: no-such-model"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    503: ("overloaded_error", "Overloaded"),
    529: ("overloaded_error", "Overloaded"),
}
_SERVER = ("api_error", "Internal server error")


def answer(call: Call, script: Script) -> Answer:
    """The answer to `POST /v1/messages`."""
    if script.status >= 400:
        return error(call, script)
    turn = compose(read(call), script, preface="Let me look that up.")
    started = _message(call, turn, script)
    blocks = content(call, turn)
    closing = _closing(turn)
    if call.body.get("stream"):
        usage = started["usage"] | _output_usage(turn)
        events = stream_events(started, blocks, turn, closing, usage)
        failure = named_event(
            "error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        )
        content_type = "text/event-stream; charset=utf-8"
        return Answer(headers=headers(call), content_type=content_type, events=events, failure=failure)
    usage = started["usage"] | _output_usage(turn)
    return Answer(headers=headers(call), body=orjson.dumps(started | closing | {"content": blocks, "usage": usage}))


def count(call: Call, script: Script) -> Answer:
    """The answer to `POST /v1/messages/count_tokens`."""
    if script.status >= 400:
        return error(call, script)
    return Answer(headers=headers(call), body=orjson.dumps({"input_tokens": read(call).input_tokens}))


def read(call: Call) -> Prompt:
    """What the request says."""
    body = call.body
    messages = body.get("messages")
    messages = messages if isinstance(messages, list) else []
    thinking = body.get("thinking")
    characters = volume(messages) + volume(body.get("system")) + volume(body.get("tools"))
    limit = body.get("max_tokens")
    return Prompt(
        model=dated(str(body.get("model") or "claude-sonnet-4-5")),
        text=_last_user_text(messages),
        input_tokens=count_tokens(characters) + 3 * len(messages),
        tools=_tools(body),
        limit=limit if isinstance(limit, int) else None,
        thinks=isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive"),
        schema=_schema(body),
    )


def _last_user_text(messages: list[Any]) -> str:
    """Claude Code tells the model of its surroundings in system messages, which may follow the user's."""
    said = (item for item in reversed(messages) if not (isinstance(item, dict) and item.get("role") == "system"))
    last = next(said, None)
    if not isinstance(last, dict) or last.get("role") != "user":
        return ""
    blocks = last.get("content")
    if isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "tool_result" for b in blocks):
        return ""
    return content_text(blocks)


def _tools(body: Json) -> tuple[Tool, ...]:
    choice = body.get("tool_choice")
    tools = body.get("tools")
    if not isinstance(tools, list) or (isinstance(choice, dict) and choice.get("type") == "none"):
        return ()
    own = [tool for tool in tools if isinstance(tool, dict) and isinstance(tool.get("input_schema"), dict)]
    return tuple(Tool(name=str(tool.get("name")), schema=tool["input_schema"]) for tool in own)


def _schema(body: Json) -> Any:
    config = body.get("output_config")
    form = config.get("format") if isinstance(config, dict) else body.get("output_format")
    return form.get("schema") if isinstance(form, dict) else None


def content(call: Call, turn: Turn) -> list[Json]:
    """The content blocks, complete."""
    blocks: list[Json] = []
    if turn.thinking:
        blocks.append({"type": "thinking", "thinking": turn.thought, "signature": call.signature()})
    if turn.reply:
        blocks.append({"type": "text", "text": turn.text})
    for index, tool in enumerate(turn.calls):
        name = call.token(f"toolu_01{index}", 21)
        blocks.append({"type": "tool_use", "id": name, "name": tool.name, "input": tool.arguments})
    return blocks


def _message(call: Call, turn: Turn, script: Script) -> Json:
    usage = input_usage(call.body, turn.input_tokens, script) | {"output_tokens": 1}
    tier = "priority" if call.body.get("service_tier") == "priority" else "standard"
    return {
        "model": turn.model,
        "id": call.token("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage | {"service_tier": tier, "inference_geo": "global"},
    }


def _closing(turn: Turn) -> Json:
    reason = "tool_use" if turn.calls else "max_tokens" if turn.truncated else "end_turn"
    return {"stop_reason": reason, "stop_sequence": None}


def _output_usage(turn: Turn) -> Json:
    return {
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"thinking_tokens": len(turn.thinking)},
    }


def headers(call: Call) -> Headers:
    """What api.anthropic.com sends beside the content headers."""
    return (
        ("request-id", call.token("req_01", 22)),
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2030-01-01T00:00:00Z"),
    )


def error(call: Call, script: Script, *, message: str | None = None) -> Answer:
    """An error in Anthropic's shape; 429 and 529 say when to come again."""
    kind, text = _ERRORS.get(script.status, _SERVER)
    body = {
        "type": "error",
        "error": {"type": kind, "message": message or text},
        "request_id": call.token("req_01", 22),
    }
    retry: Headers = (("retry-after", f"{script.retry_after:g}"),) if script.status in (429, 503, 529) else ()
    return Answer(status=script.status, headers=headers(call) + retry, body=orjson.dumps(body))
