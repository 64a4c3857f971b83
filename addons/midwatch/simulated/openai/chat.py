"""OpenAI Chat Completions and those who speak it: the answer, whole and as a stream of chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.models import dated, reasons, reasons_openly
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.openai.flavours import Flavour, flavour_of
from midwatch.simulated.openai.usage import chat_usage
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import DONE, Template, data_event, hole
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_FILTERED = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_SSE = "text/event-stream; charset=utf-8"


def answer(call: Call, script: Script) -> Answer:
    """The answer to `POST …/chat/completions`."""
    flavour = flavour_of(call.host, call.path)
    if script.status >= 400:
        return openai_errors.error(call, script, flavour.name)
    turn = compose(read(call), script)
    headers = openai_errors.headers(call)
    if call.body.get("stream"):
        failure = data_event(openai_errors.error_body(500, flavour.name))
        return Answer(headers=headers, content_type=_SSE, events=events(call, turn, script, flavour), failure=failure)
    return Answer(headers=headers, body=orjson.dumps(completion(call, turn, script, flavour)))


def read(call: Call) -> Prompt:
    """What the request says. The model of an Azure deployment is the deployment's name where the body has none."""
    body = call.body
    model = str(body.get("model") or _deployment(call.path) or "gpt-4o-mini")
    messages = _list(body.get("messages"))
    tokens = count_tokens(volume(messages) + volume(body.get("tools"))) + 3 * len(messages)
    wants = body.get("reasoning_effort") not in (None, "none", "minimal")
    return Prompt(
        model=dated(model),
        text=last_user_text(messages),
        input_tokens=tokens,
        tools=_tools(body),
        limit=_limit(body),
        thinks=wants or reasons(model) or reasons_openly(model),
        schema=_schema(body.get("response_format")),
    )


def last_user_text(messages: list[Any]) -> str:
    """Text of the last message if it is the user's, else empty (a tool's result came last)."""
    last = messages[-1] if messages else None
    if not isinstance(last, dict) or last.get("role") not in ("user", "developer", "system"):
        return ""
    return content_text(last.get("content"))


def content_text(content: Any) -> str:
    """A message's content: a string, or parts of which the text is taken."""
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in _list(content) if isinstance(part, dict))
    return "\n".join(text for text in parts if isinstance(text, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _deployment(path: str) -> str:
    _, found, after = path.partition("/deployments/")
    return after.partition("/")[0] if found else ""


def _limit(body: Json) -> int | None:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return limit if isinstance(limit, int) else None


def _tools(body: Json) -> tuple[Tool, ...]:
    if body.get("tool_choice") == "none":
        return ()
    functions = [tool.get("function") for tool in _list(body.get("tools")) if isinstance(tool, dict)]
    return tuple(Tool(name=str(f.get("name")), schema=f.get("parameters")) for f in functions if isinstance(f, dict))


def _schema(response_format: Any) -> Any:
    if not isinstance(response_format, dict):
        return None
    if response_format.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    spec = response_format.get("json_schema")
    return spec.get("schema") if isinstance(spec, dict) else None


def completion(call: Call, turn: Turn, script: Script, flavour: Flavour) -> Json:
    """The whole answer."""
    result: Json = {
        "id": _id(call, flavour),
        "object": "chat.completion",
        "created": call.at,
        "model": turn.model,
        "choices": [_choice(call, turn, flavour, index) for index in range(_choices(call))],
        "usage": chat_usage(turn, script, flavour.name, _choices(call)),
        "service_tier": call.body.get("service_tier") or "default",
        "system_fingerprint": flavour.fingerprint,
    }
    if flavour.name == "openrouter":
        result["provider"] = "Simulated"
    if flavour.name == "groq":
        result["x_groq"] = {"id": call.token("req_", 26)}
    if flavour.name == "azure":
        result["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _FILTERED}]
    return result


def _id(call: Call, flavour: Flavour) -> str:
    return call.token(flavour.id_prefix, flavour.id_length)


def _choices(call: Call) -> int:
    n = call.body.get("n")
    return n if isinstance(n, int) and 1 <= n <= 16 else 1


def finish_reason(turn: Turn) -> str:
    """Why the model stopped."""
    if turn.calls:
        return "tool_calls"
    return "length" if turn.truncated else "stop"


def _choice(call: Call, turn: Turn, flavour: Flavour, index: int) -> Json:
    message: Json = {"role": "assistant", "content": turn.text if not turn.calls else None}
    if turn.thinking and reasons_openly(turn.model):
        message[flavour.reasoning_field] = turn.thought
    if turn.calls:
        message["tool_calls"] = [
            {"id": _call_id(call, i), "type": "function", "function": {"name": c.name, "arguments": c.json}}
            for i, c in enumerate(turn.calls)
        ]
    message |= {"refusal": None, "annotations": []} if flavour.name in ("openai", "azure") else {}
    choice: Json = {"index": index, "message": message, "logprobs": None, "finish_reason": finish_reason(turn)}
    return choice | ({"content_filter_results": _FILTERED} if flavour.name == "azure" else {})


def _call_id(call: Call, index: int) -> str:
    return call.token(f"call_{index}", 23)


def events(call: Call, turn: Turn, script: Script, flavour: Flavour) -> Iterator[bytes]:
    """The stream: role, reasoning, text or calls for each choice, the finish reasons, usage if due, `[DONE]`."""
    options = call.body.get("stream_options")
    asked = isinstance(options, dict) and bool(options.get("include_usage"))
    base = _chunk_base(call, turn, flavour, asked)
    if flavour.name == "openrouter":
        yield b": OPENROUTER PROCESSING\n\n"
    if flavour.name == "azure":
        yield data_event(_azure_preamble())
    for index in range(_choices(call)):
        yield from _choice_events(call, turn, base, flavour, index)
    usage = chat_usage(turn, script, flavour.name, _choices(call)) if asked or flavour.usage_always else None
    yield from _closing_events(call, turn, base, flavour, usage)
    yield DONE


def _chunk_base(call: Call, turn: Turn, flavour: Flavour, asked: bool) -> Json:
    base: Json = {
        "id": _id(call, flavour),
        "object": "chat.completion.chunk",
        "created": call.at,
        "model": turn.model,
    }
    if flavour.name in ("openai", "azure"):
        base["service_tier"] = call.body.get("service_tier") or "default"
    if flavour.fingerprint:
        base["system_fingerprint"] = flavour.fingerprint
    if flavour.name == "openrouter":
        base["provider"] = "Simulated"
    if asked and flavour.name in ("openai", "azure"):
        base["usage"] = None
    return base


def _azure_preamble() -> Json:
    results = [{"prompt_index": 0, "content_filter_results": _FILTERED}]
    return {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": results}


def _chunk(base: Json, flavour: Flavour, index: int, delta: Json, finish: str | None = None) -> Json:
    choice: Json = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    if flavour.name == "azure":
        choice["content_filter_results"] = _FILTERED if "content" in delta else {}
    chunk = base | {"choices": [choice]}
    return chunk | ({"obfuscation": "simulated"} if flavour.obfuscation else {})


def _choice_events(call: Call, turn: Turn, base: Json, flavour: Flavour, index: int) -> Iterator[bytes]:
    opening: Json = {"role": "assistant", "content": None if turn.calls else ""}
    opening |= {"refusal": None} if flavour.name in ("openai", "azure") and not turn.calls else {}
    first = _chunk(base, flavour, index, opening)
    yield data_event(first | ({"x_groq": {"id": call.token("req_", 26)}} if flavour.name == "groq" else {}))
    if turn.thinking and reasons_openly(turn.model):
        delta: Json = {"content": None, flavour.reasoning_field: hole()}
        template = Template(data_event(_chunk(base, flavour, index, delta)))
        yield from map(template.fill, turn.thinking)
    template = Template(data_event(_chunk(base, flavour, index, {"content": hole()})))
    yield from map(template.fill, turn.reply)
    yield from _call_events(call, turn, base, flavour, index)


def _call_events(call: Call, turn: Turn, base: Json, flavour: Flavour, index: int) -> Iterator[bytes]:
    for i, tool in enumerate(turn.calls):
        function = {"name": tool.name, "arguments": ""}
        opening = {"index": i, "id": _call_id(call, i), "type": "function", "function": function}
        yield data_event(_chunk(base, flavour, index, {"tool_calls": [opening]}))
        for piece in tool.pieces:
            delta = {"tool_calls": [{"index": i, "function": {"arguments": piece}}]}
            yield data_event(_chunk(base, flavour, index, delta))


def _closing_events(call: Call, turn: Turn, base: Json, flavour: Flavour, usage: Json | None) -> Iterator[bytes]:
    for index in range(_choices(call)):
        last = _chunk(base, flavour, index, {}, finish_reason(turn))
        if usage is not None and flavour.usage_with_finish:
            last["usage"] = usage
        if usage is not None and flavour.name == "groq":
            last["x_groq"] = {"id": call.token("req_", 26), "usage": usage}
        yield data_event(last)
    if usage is not None and not flavour.usage_with_finish and flavour.name != "groq":
        yield data_event(base | {"choices": [], "usage": usage})
