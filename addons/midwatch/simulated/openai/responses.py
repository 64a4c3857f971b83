"""OpenAI's Responses API: output items (reasoning, message, function calls), whole and as numbered events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.models import dated, reasons, reasons_openly
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.openai.chat import content_text
from midwatch.simulated.openai.responses_events import stream_events
from midwatch.simulated.openai.usage import responses_usage
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import named_event
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_ECHOED: tuple[tuple[str, Any], ...] = (
    ("instructions", None),
    ("max_output_tokens", None),
    ("max_tool_calls", None),
    ("parallel_tool_calls", True),
    ("previous_response_id", None),
    ("prompt_cache_key", None),
    ("safety_identifier", None),
    ("store", True),
    ("temperature", 1.0),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_logprobs", 0),
    ("top_p", 1.0),
    ("truncation", "disabled"),
    ("user", None),
    ("metadata", {}),
)


def answer(call: Call, script: Script) -> Answer:
    """The answer to `POST …/responses`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    turn = compose(read(call), script)
    headers = openai_errors.headers(call)
    if not call.body.get("stream"):
        return Answer(headers=headers, body=orjson.dumps(_finished(call, turn, script)))
    events, failure = streamed(call, turn, script)
    return Answer(headers=headers, content_type="text/event-stream; charset=utf-8", events=events, failure=failure)


def streamed(call: Call, turn: Turn, script: Script) -> tuple[Iterator[bytes], bytes]:
    """The events of a turn, and the event that says that it failed in its middle."""
    started = _response(call, turn, "in_progress")
    return stream_events(started, output(call, turn), _finished(call, turn, script), turn), _failure(started, script)


def warmed(call: Call, turn: Turn, script: Script) -> Iterator[bytes]:
    """The events where the client wants nothing generated (`generate: false`): the response is ready to continue."""
    silent = replace(turn, thinking=(), reply=(), calls=(), truncated=False)
    finished = _finished(call, silent, script) | {"output": []}
    return stream_events(_response(call, silent, "in_progress"), [], finished, silent)


def read(call: Call) -> Prompt:
    """What the request says."""
    body = call.body
    model = str(body.get("model") or "gpt-4o-mini")
    given = body.get("input", "")
    tokens = count_tokens(volume(given) + volume(body.get("instructions")) + volume(body.get("tools"))) + 3
    limit = body.get("max_output_tokens")
    asked = _reasoning(body).get("effort") not in (None, "none", "minimal")
    return Prompt(
        model=dated(model),
        text=last_user_text(given),
        input_tokens=tokens,
        tools=_tools(body),
        limit=limit if isinstance(limit, int) else None,
        thinks=reasons(model) or reasons_openly(model) or asked,
        schema=_schema(body),
    )


def last_user_text(given: Any) -> str:
    """Text of the last input item if it is a user's message, else empty."""
    if isinstance(given, str):
        return given
    last = given[-1] if isinstance(given, list) and given else None
    if not isinstance(last, dict) or last.get("type", "message") != "message" or last.get("role") == "assistant":
        return ""
    return content_text(last.get("content"))


def _reasoning(body: Json) -> Json:
    value = body.get("reasoning")
    return value if isinstance(value, dict) else {}


def _tools(body: Json) -> tuple[Tool, ...]:
    """Functions and tools of free form, in groups (`namespace`) or not; Codex offers its own among the input."""
    if body.get("tool_choice") == "none":
        return ()
    given = body.get("input")
    items = given if isinstance(given, list) else []
    added = [item.get("tools") for item in items if isinstance(item, dict) and item.get("type") == "additional_tools"]
    return tuple(tool for tools in (body.get("tools"), *added) for tool in _offered(tools))


def _offered(tools: Any, namespace: str | None = None) -> Iterator[Tool]:
    for tool in tools if isinstance(tools, list) else ():
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind == "namespace" and namespace is None:
            yield from _offered(tool.get("tools"), str(tool.get("name")))
        elif kind in ("function", "custom"):
            name, schema = str(tool.get("name")), tool.get("parameters")
            yield Tool(name=name, schema=schema, freeform=kind == "custom", namespace=namespace)


def _schema(body: Json) -> Any:
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return form.get("schema") if isinstance(form, dict) else None


def output(call: Call, turn: Turn) -> list[Json]:
    """The output items, complete."""
    items = [_reasoning_item(call, turn)] if turn.thinking else []
    if turn.calls:
        return items + [_call_item(call, turn, index) for index in range(len(turn.calls))]
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": turn.text}
    status = "incomplete" if turn.truncated else "completed"
    message = {"type": "message", "status": status, "content": [part], "role": "assistant"}
    return [*items, {"id": call.token("msg_", 50), **message}]


def _reasoning_item(call: Call, turn: Turn) -> Json:
    wanted = _reasoning(call.body).get("summary")
    summary = [{"type": "summary_text", "text": turn.thought}] if wanted else []
    item: Json = {"id": call.token("rs_", 50), "type": "reasoning", "summary": summary}
    include = call.body.get("include")
    if isinstance(include, list) and "reasoning.encrypted_content" in include:
        item["encrypted_content"] = call.token("gAAAAAB", 120)
    return item


def _call_item(call: Call, turn: Turn, index: int) -> Json:
    tool = turn.calls[index]
    kind = ("ctc", "custom_tool_call", "input") if tool.freeform else ("fc", "function_call", "arguments")
    item: Json = {
        "id": call.token(f"{kind[0]}_{index}", 49),
        "type": kind[1],
        "status": "completed",
        kind[2]: tool.json,
        "call_id": call.token(f"call_{index}", 23),
        "name": tool.name,
    }
    return item | ({"namespace": tool.namespace} if tool.namespace else {})


def _response(call: Call, turn: Turn, status: str) -> Json:
    body = call.body
    reasoning = _reasoning(body)
    response: Json = {
        "id": call.token("resp_", 50),
        "object": "response",
        "created_at": call.at,
        "status": status,
        "background": False,
        "completed_at": None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "model": turn.model,
        "output": [],
        "presence_penalty": 0.0,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": body.get("service_tier") or "auto",
        "text": body.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "usage": None,
    }
    return response | {key: body.get(key, default) for key, default in _ECHOED}


def _finished(call: Call, turn: Turn, script: Script) -> Json:
    tier = call.body.get("service_tier")
    changes: Json = {
        "status": "incomplete" if turn.truncated else "completed",
        "completed_at": None if turn.truncated else call.at + 1,
        "incomplete_details": {"reason": "max_output_tokens"} if turn.truncated else None,
        "output": output(call, turn),
        "service_tier": tier if tier in ("flex", "priority", "scale") else "default",
        "usage": responses_usage(turn, script),
    }
    return _response(call, turn, "completed") | changes


def _failure(started: Json, script: Script) -> bytes:
    error = {"code": "server_error", "message": "The server had an error while processing your request."}
    response = started | {"status": "failed", "error": error}
    return named_event(
        "response.failed", {"type": "response.failed", "response": response, "sequence_number": script.fail_after or 0}
    )
