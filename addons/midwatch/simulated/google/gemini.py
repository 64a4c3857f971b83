"""Gemini's generateContent and streamGenerateContent (SSE, or one JSON array in pieces), and embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import orjson

from midwatch.simulated.call import Answer, Call, Headers, Json
from midwatch.simulated.openai.text import vector
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import data_event
from midwatch.simulated.turn import Prompt, Tool, Turn, compose
from midwatch.simulated.wording import batched_text, count_tokens, volume

_ERRORS = {
    400: ("INVALID_ARGUMENT", "Invalid JSON payload received."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "models/no-such-model is not found for API version v1beta."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_SERVER = ("INTERNAL", "An internal error has occurred. Please retry.")
_HEADERS: Headers = (
    ("vary", "Origin"),
    ("x-xss-protection", "0"),
    ("x-frame-options", "SAMEORIGIN"),
    ("server-timing", "gfet4t7; dur=42"),
)
_JSON = "application/json; charset=UTF-8"
_PER_EVENT = 4


def generate(call: Call, script: Script) -> Answer:
    """The answer to `…/models/{model}:generateContent`."""
    if script.status >= 400:
        return error(call, script)
    turn = compose(read(call), script)
    return Answer(
        headers=_HEADERS, content_type=_JSON, body=orjson.dumps(whole(call, turn, script), option=orjson.OPT_INDENT_2)
    )


def stream(call: Call, script: Script) -> Answer:
    """The answer to `…:streamGenerateContent`: server-sent events with `alt=sse`, else one JSON array."""
    if script.status >= 400:
        return error(call, script, listed=not _sse(call))
    turn = compose(read(call), script)
    chunks = chunk_list(call, turn, script)
    broken = _error_body(503, None)
    if _sse(call):
        events = (data_event(chunk).replace(b"\n\n", b"\r\n\r\n") for chunk in chunks)
        return Answer(
            headers=_HEADERS,
            content_type="text/event-stream",
            events=events,
            failure=b"data: " + orjson.dumps(broken) + b"\r\n\r\n",
        )
    failure = b",\r\n" + orjson.dumps(broken) + b"]"
    return Answer(headers=_HEADERS, content_type=_JSON, events=_array(chunks), failure=failure)


def _sse(call: Call) -> bool:
    return parse_qs(call.query).get("alt") == ["sse"]


def _array(chunks: Iterator[Json]) -> Iterator[bytes]:
    before = b"["
    for chunk in chunks:
        yield before + orjson.dumps(chunk, option=orjson.OPT_INDENT_2) + b"\n"
        before = b",\r\n"
    yield b"]"


def model_of(call: Call) -> str:
    """The model that the path names."""
    return call.path.rpartition("/models/")[2].partition(":")[0]


def read(call: Call) -> Prompt:
    """What the request says. Names may be in camelCase or snake_case, as protobuf's JSON allows."""
    body = call.body
    contents = body.get("contents")
    contents = contents if isinstance(contents, list) else []
    config = _config(body)
    thinking = _pick(config, "thinkingConfig", {})
    limit = _pick(config, "maxOutputTokens")
    system = _pick(body, "systemInstruction")
    model = model_of(call)
    budget = _pick(thinking, "thinkingBudget") if isinstance(thinking, dict) else None
    return Prompt(
        model=model,
        text=_last_user_text(contents),
        input_tokens=count_tokens(volume(contents) + volume(system) + volume(body.get("tools"))) + 1,
        tools=_tools(body),
        limit=limit if isinstance(limit, int) else None,
        thinks=budget != 0 and (_thinks_unasked(model) or bool(thinking)),
        schema=_pick(config, "responseJsonSchema") or _pick(config, "responseSchema"),
    )


def _thinks_unasked(model: str) -> bool:
    return model.startswith(("gemini-2.5", "gemini-3")) and "lite" not in model


def _config(body: Json) -> Json:
    config = _pick(body, "generationConfig", {})
    return config if isinstance(config, dict) else {}


def _pick(value: Json, name: str, default: Any = None) -> Any:
    if name in value:
        return value[name]
    snake = "".join("_" + c.lower() if c.isupper() else c for c in name)
    return value.get(snake, default)


def _last_user_text(contents: list[Any]) -> str:
    last = contents[-1] if contents else None
    if not isinstance(last, dict) or last.get("role", "user") != "user":
        return ""
    parts = last.get("parts")
    parts = parts if isinstance(parts, list) else [parts]
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _tools(body: Json) -> tuple[Tool, ...]:
    found: list[Tool] = []
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        declared = _pick(tool, "functionDeclarations", []) if isinstance(tool, dict) else []
        for function in filter(_is_object, declared) if isinstance(declared, list) else ():
            schema = _pick(function, "parametersJsonSchema") or function.get("parameters")
            found.append(Tool(name=str(function.get("name")), schema=schema))
    return tuple(found)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _thoughts_wanted(call: Call) -> bool:
    thinking = _pick(_config(call.body), "thinkingConfig", {})
    return isinstance(thinking, dict) and bool(_pick(thinking, "includeThoughts"))


def _call_parts(call: Call, turn: Turn) -> list[Json]:
    parts: list[Json] = []
    for index, tool in enumerate(turn.calls):
        part: Json = {"functionCall": {"name": tool.name, "args": tool.arguments, "id": call.token(str(index), 7)}}
        if index == 0 and turn.thinking:
            part["thoughtSignature"] = call.signature()
        parts.append(part)
    return parts


def whole(call: Call, turn: Turn, script: Script) -> Json:
    """The whole answer."""
    parts: list[Json] = []
    if turn.thinking and _thoughts_wanted(call):
        parts.append({"text": turn.thought, "thought": True})
    parts += _call_parts(call, turn) or [{"text": turn.text}]
    return _response(call, turn, script, parts, turn.visible_tokens, finished=True)


def chunk_list(call: Call, turn: Turn, script: Script) -> Iterator[Json]:
    """The chunks of a stream: thoughts, text of several tokens each or calls, and the finish reason in the last."""
    if turn.thinking and _thoughts_wanted(call):
        for text in batched_text(turn.thinking, _PER_EVENT):
            yield _response(call, turn, script, [{"text": text, "thought": True}], 0)
    size = 1 if script.tokens is not None else _PER_EVENT
    texts = batched_text(turn.reply, size)
    for index, text in enumerate(texts):
        done = min((index + 1) * size, len(turn.reply))
        yield _response(call, turn, script, [{"text": text}], done)
    if turn.calls:
        yield _response(call, turn, script, _call_parts(call, turn), turn.visible_tokens)
    yield _response(call, turn, script, [{"text": ""}], turn.visible_tokens, finished=True)


def _response(
    call: Call, turn: Turn, script: Script, parts: list[Json], visible: int, *, finished: bool = False
) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finished:
        candidate["finishReason"] = "MAX_TOKENS" if turn.truncated else "STOP"
    return {
        "candidates": [candidate],
        "usageMetadata": usage(turn, script, visible),
        "modelVersion": turn.model,
        "responseId": call.token("", 22),
    }


def usage(turn: Turn, script: Script, visible: int) -> Json:
    """`usageMetadata` after so many visible tokens: thoughts are counted *beside* the candidates' tokens."""
    thoughts = len(turn.thinking)
    result: Json = {
        "promptTokenCount": turn.input_tokens,
        "candidatesTokenCount": visible,
        "totalTokenCount": turn.input_tokens + visible + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": turn.input_tokens}],
    }
    if script.cached is not None:
        cached = min(script.cached, turn.input_tokens)
        result["cachedContentTokenCount"] = cached
        result["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": cached}]
    return result | ({"thoughtsTokenCount": thoughts} if thoughts else {})


def embed(call: Call, script: Script) -> Answer:
    """The answer to `…:embedContent` and `…:batchEmbedContents`."""
    if script.status >= 400:
        return error(call, script)
    if call.path.endswith(":batchEmbedContents"):
        requests = call.body.get("requests")
        values = [_embedding(item) for item in requests if isinstance(item, dict)] if isinstance(requests, list) else []
        body: Json = {"embeddings": values}
    else:
        body = {"embedding": _embedding(call.body)}
    return Answer(headers=_HEADERS, content_type=_JSON, body=orjson.dumps(body))


def _embedding(request: Json) -> Json:
    size = _pick(request, "outputDimensionality", 768)
    text = orjson.dumps(request.get("content")).decode()
    return {"values": vector(text, size if isinstance(size, int) else 768)}


def count(call: Call, script: Script) -> Answer:
    """The answer to `…:countTokens`."""
    if script.status >= 400:
        return error(call, script)
    return Answer(headers=_HEADERS, content_type=_JSON, body=orjson.dumps({"totalTokens": read(call).input_tokens}))


def _error_body(status: int, message: str | None, retry_after: float = 1.0) -> Json:
    name, text = _ERRORS.get(status, _SERVER)
    body: Json = {"code": status, "message": message or text, "status": name}
    if status == 429:
        detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after:g}s"}
        body["details"] = [detail]
    return {"error": body}


def error(call: Call, script: Script, *, message: str | None = None, listed: bool = False) -> Answer:
    """An error in Google's shape; inside an array where the answer would have been one."""
    body: Any = _error_body(script.status, message, script.retry_after)
    packed = orjson.dumps([body] if listed else body, option=orjson.OPT_INDENT_2)
    return Answer(status=script.status, headers=_HEADERS, content_type=_JSON, body=packed)
