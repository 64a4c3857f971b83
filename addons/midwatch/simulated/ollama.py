"""Ollama's chat and generate: NDJSON streams unless told otherwise, counts and durations (ns) in the last line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.openai.text import vector
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import Template, hole, line
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_NDJSON = "application/x-ndjson"
_JSON = "application/json; charset=utf-8"
_ERRORS = {
    400: "invalid request",
    401: "unauthorized",
    404: "model 'no-such-model' not found",
    429: "too many requests",
    503: "server busy, please try again.  maximum pending requests exceeded",
}
_BROKEN = line({"error": "an error was encountered while running the model"})
_MILLISECOND = 1_000_000


def chat(call: Call, script: Script) -> Answer:
    """The answer to `POST /api/chat`."""
    return _answer(call, script, _read_chat(call), _chat_fields)


def generate(call: Call, script: Script) -> Answer:
    """The answer to `POST /api/generate`."""
    return _answer(call, script, _read_generate(call), _generate_fields)


def _answer(call: Call, script: Script, prompt: Prompt, fields: Any) -> Answer:
    if script.status >= 400:
        return error(call, script)
    turn = compose(prompt, script)
    if call.body.get("stream") is False:
        body = _base(call, turn) | fields(turn.text, turn.thought, turn.calls) | _closing(turn)
        return Answer(content_type=_JSON, body=orjson.dumps(body))
    events = _events(call, turn, fields)
    return Answer(content_type=_NDJSON, events=events, failure=_BROKEN)


def _chat_fields(text: str, thought: str = "", calls: tuple[Any, ...] = ()) -> Json:
    message: Json = {"role": "assistant", "content": text}
    if thought:
        message["thinking"] = thought
    if calls:
        message["tool_calls"] = [
            {"function": {"index": i, "name": tool.name, "arguments": tool.arguments}} for i, tool in enumerate(calls)
        ]
    return {"message": message}


def _generate_fields(text: str, thought: str = "", _calls: tuple[Any, ...] = ()) -> Json:
    return {"response": text} | ({"thinking": thought} if thought else {})


def _events(call: Call, turn: Turn, fields: Any) -> Iterator[bytes]:
    base = _base(call, turn)
    if turn.thinking:
        yield from map(Template(line(base | fields("", hole()) | {"done": False})).fill, turn.thinking)
    yield from map(Template(line(base | fields(hole()) | {"done": False})).fill, turn.reply)
    if turn.calls:
        yield line(base | fields("", "", turn.calls) | {"done": False})
    yield line(base | fields("") | _closing(turn))


def _base(call: Call, turn: Turn) -> Json:
    created = datetime.fromtimestamp(call.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return {"model": turn.model, "created_at": created}


def _closing(turn: Turn) -> Json:
    return {
        "done_reason": "length" if turn.truncated else "stop",
        "done": True,
        "total_duration": (60 + 2 * turn.output_tokens) * _MILLISECOND,
        "load_duration": 20 * _MILLISECOND,
        "prompt_eval_count": turn.input_tokens,
        "prompt_eval_duration": 40 * _MILLISECOND,
        "eval_count": turn.output_tokens,
        "eval_duration": 2 * turn.output_tokens * _MILLISECOND,
    }


def _read_chat(call: Call) -> Prompt:
    body = call.body
    messages = body.get("messages")
    messages = messages if isinstance(messages, list) else []
    last = messages[-1] if messages and isinstance(messages[-1], dict) else {}
    return _prompt(
        body,
        text=str(last.get("content") or "") if last.get("role") == "user" else "",
        characters=volume(messages) + volume(body.get("tools")),
    )


def _read_generate(call: Call) -> Prompt:
    text = str(call.body.get("prompt") or "")
    return _prompt(call.body, text=text, characters=len(text) + volume(call.body.get("system")))


def _prompt(body: Json, *, text: str, characters: int) -> Prompt:
    options = body.get("options")
    limit = options.get("num_predict") if isinstance(options, dict) else None
    form = body.get("format")
    tools = body.get("tools")
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    own = [function for function in functions if isinstance(function, dict)]
    return Prompt(
        model=str(body.get("model") or "llama3.2"),
        text=text,
        input_tokens=count_tokens(characters) + 10,
        tools=tuple(Tool(name=str(f.get("name")), schema=f.get("parameters")) for f in own),
        limit=limit if isinstance(limit, int) and limit > 0 else None,
        thinks=bool(body.get("think")),
        schema=form if isinstance(form, dict) else None,
    )


def tags(_call: Call, _script: Script) -> Answer:
    """The answer to `GET /api/tags`: the models there are."""
    model = {"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 2019393189, "digest": "0" * 64}
    return Answer(content_type=_JSON, body=orjson.dumps({"models": [model]}))


def embed(call: Call, script: Script) -> Answer:
    """The answer to `POST /api/embed`."""
    if script.status >= 400:
        return error(call, script)
    given = call.body.get("input", "")
    texts = given if isinstance(given, list) else [given]
    body = {
        "model": str(call.body.get("model") or "all-minilm"),
        "embeddings": [vector(str(text), 384) for text in texts],
        "total_duration": 14 * _MILLISECOND,
        "load_duration": _MILLISECOND,
        "prompt_eval_count": sum(count_tokens(volume(text)) for text in texts),
    }
    return Answer(content_type=_JSON, body=orjson.dumps(body))


def error(call: Call, script: Script, *, message: str | None = None) -> Answer:
    """An error in Ollama's shape."""
    text = message or _ERRORS.get(script.status, "internal server error")
    return Answer(status=script.status, content_type=_JSON, body=orjson.dumps({"error": text}))
