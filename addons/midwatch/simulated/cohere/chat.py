"""Cohere's chat of version 2 (whole and as a stream), embeddings and rerank."""

from __future__ import annotations

from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Headers, Json
from midwatch.simulated.cohere.events import stream_events
from midwatch.simulated.openai.chat import content_text
from midwatch.simulated.openai.text import vector
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import named_event
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_ERRORS = {
    400: "invalid request: message must be at least 1 token long.",
    401: "invalid api token",
    404: "model 'no-such-model' not found, make sure the correct model ID was used and that you have access to it.",
    429: "You are past the per minute request limit, please wait and try again later.",
    503: "the service is overloaded, please try again later",
}
_BROKEN = named_event(
    "message-end",
    {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "an error occurred in generation"}},
)
# What Cohere's own prompt around messages and tools adds: the model reads it, and nobody is billed for it.
_UNBILLED = 480
_PLAN = "I will use the tool to find that out."


def chat(call: Call, script: Script) -> Answer:
    """The answer to `POST /v2/chat`."""
    if script.status >= 400:
        return error(call, script)
    turn = compose(_read(call), script, preface=_PLAN)
    name = call.token("", 32)
    finish = "TOOL_CALL" if turn.calls else "MAX_TOKENS" if turn.truncated else "COMPLETE"
    closing: Json = {"finish_reason": finish, "usage": _usage(turn)}
    calls = _tool_calls(call, turn)
    if call.body.get("stream"):
        events = stream_events(name, turn, calls, closing)
        return Answer(headers=_headers(call), content_type="text/event-stream", events=events, failure=_BROKEN)
    message: Json = {"role": "assistant"}
    if calls:
        message |= {"tool_plan": turn.text, "tool_calls": calls}
    else:
        thoughts = [{"type": "thinking", "thinking": turn.thought}] if turn.thinking else []
        message["content"] = [*thoughts, {"type": "text", "text": turn.text}]
    return Answer(headers=_headers(call), body=orjson.dumps({"id": name, "message": message, **closing}))


def _read(call: Call) -> Prompt:
    body = call.body
    messages = body.get("messages")
    messages = messages if isinstance(messages, list) else []
    last = messages[-1] if messages and isinstance(messages[-1], dict) else {}
    limit, form, thinking = body.get("max_tokens"), body.get("response_format"), body.get("thinking")
    return Prompt(
        model=str(body.get("model") or "command-a-03-2025"),
        text=content_text(last.get("content")) if last.get("role") == "user" else "",
        input_tokens=count_tokens(volume(messages) + volume(body.get("documents")) + volume(body.get("tools"))),
        tools=_tools(body),
        limit=limit if isinstance(limit, int) else None,
        thinks=isinstance(thinking, dict) and thinking.get("type") == "enabled",
        schema=form.get("json_schema") if isinstance(form, dict) else None,
    )


def _tools(body: Json) -> tuple[Tool, ...]:
    tools = body.get("tools")
    found = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return tuple(Tool(name=str(f.get("name")), schema=f.get("parameters")) for f in found if isinstance(f, dict))


def _tool_calls(call: Call, turn: Turn) -> list[Json]:
    return [
        {
            "id": call.token(f"{tool.name}_{index}", 12),
            "type": "function",
            "function": {"name": tool.name, "arguments": tool.json},
        }
        for index, tool in enumerate(turn.calls)
    ]


def _usage(turn: Turn) -> Json:
    return {
        "billed_units": {"input_tokens": turn.input_tokens, "output_tokens": turn.output_tokens},
        "tokens": {"input_tokens": turn.input_tokens + _UNBILLED, "output_tokens": turn.output_tokens + 3},
    }


def embed(call: Call, script: Script) -> Answer:
    """The answer to `POST /v2/embed`, and to that of version 1."""
    if script.status >= 400:
        return error(call, script)
    texts = call.body.get("texts")
    texts = texts if isinstance(texts, list) else []
    vectors = [vector(str(text), 256) for text in texts]
    by_type = call.path.endswith("/v2/embed")
    body: Json = {
        "id": call.token("", 32),
        "texts": texts,
        "embeddings": {"float": vectors} if by_type else vectors,
        "meta": _meta({"input_tokens": sum(count_tokens(volume(text)) for text in texts)}),
        "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
    }
    return Answer(headers=_headers(call), body=orjson.dumps(body))


def rerank(call: Call, script: Script) -> Answer:
    """The answer to `POST /v2/rerank`: documents by how many of the query's words they share."""
    if script.status >= 400:
        return error(call, script)
    documents = call.body.get("documents")
    words = set(str(call.body.get("query")).lower().split())
    scores = [
        len(words & set(orjson.dumps(document).decode().lower().strip('"').split())) / max(len(words), 1)
        for document in (documents if isinstance(documents, list) else [])
    ]
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    results = [{"index": index, "relevance_score": scores[index]} for index in order]
    top = call.body.get("top_n")
    body = {
        "id": call.token("", 32),
        "results": results[:top] if isinstance(top, int) else results,
        "meta": _meta({"search_units": 1}),
    }
    return Answer(headers=_headers(call), body=orjson.dumps(body))


def _meta(billed: Json) -> Json:
    return {"api_version": {"version": "2"}, "billed_units": billed}


def _headers(call: Call) -> Headers:
    return (("x-debug-trace-id", call.token("", 32)), ("x-api-warning", "simulated"))


def error(call: Call, script: Script, *, message: str | None = None) -> Answer:
    """An error in Cohere's shape."""
    text: Any = message or _ERRORS.get(script.status, "internal server error")
    body = {"id": call.token("", 32), "message": text}
    return Answer(status=script.status, headers=_headers(call), body=orjson.dumps(body))
