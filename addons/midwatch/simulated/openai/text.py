"""OpenAI's older and smaller operations: Completions, Embeddings, Moderations and the list of models."""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.models import dated
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.openai.chat import finish_reason
from midwatch.simulated.openai.flavours import flavour_of
from midwatch.simulated.openai.usage import chat_usage
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import DONE, Template, data_event, hole
from midwatch.simulated.turn import Prompt, Turn, compose
from midwatch.simulated.wording import count_tokens, volume

_DIMENSIONS = {"text-embedding-3-large": 3072}
_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def completions(call: Call, script: Script) -> Answer:
    """The answer to `POST …/completions`."""
    flavour = flavour_of(call.host, call.path)
    if script.status >= 400:
        return openai_errors.error(call, script, flavour.name)
    turn = compose(_read(call), script)
    headers = openai_errors.headers(call, turn.model)
    usage = chat_usage(turn, script, flavour.name)
    if call.body.get("stream"):
        failure = data_event(openai_errors.error_body(500, flavour.name))
        return Answer(
            headers=headers, content_type="text/event-stream", events=_events(call, turn, usage), failure=failure
        )
    choice = {"text": turn.text, "index": 0, "logprobs": None, "finish_reason": finish_reason(turn)}
    return Answer(headers=headers, body=orjson.dumps(_base(call, turn) | {"choices": [choice], "usage": usage}))


def _read(call: Call) -> Prompt:
    prompt = call.body.get("prompt", "")
    text = prompt if isinstance(prompt, str) else " ".join(p for p in _items(prompt) if isinstance(p, str))
    limit = call.body.get("max_tokens")
    return Prompt(
        model=dated(str(call.body.get("model") or "gpt-3.5-turbo-instruct")),
        text=text,
        input_tokens=max(count_tokens(len(text)), 1),
        limit=limit if isinstance(limit, int) else 16,
    )


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _base(call: Call, turn: Turn) -> Json:
    return {"id": call.token("cmpl-", 29), "object": "text_completion", "created": call.at, "model": turn.model}


def _events(call: Call, turn: Turn, usage: Json) -> Iterator[bytes]:
    base = _base(call, turn)
    options = call.body.get("stream_options")
    choice: Json = {"text": hole(), "index": 0, "logprobs": None, "finish_reason": None}
    yield from map(Template(data_event(base | {"choices": [choice]})).fill, turn.reply)
    yield data_event(base | {"choices": [choice | {"text": "", "finish_reason": finish_reason(turn)}]})
    if isinstance(options, dict) and options.get("include_usage"):
        yield data_event(base | {"choices": [], "usage": usage})
    yield DONE


def embeddings(call: Call, script: Script) -> Answer:
    """The answer to `POST …/embeddings`: unit vectors that depend on the text alone, as floats or base64."""
    if script.status >= 400:
        return openai_errors.error(call, script, flavour_of(call.host, call.path).name)
    model = str(call.body.get("model") or "text-embedding-3-small")
    given = call.body.get("input", "")
    size = call.body.get("dimensions") or _DIMENSIONS.get(model, 1536)
    packed = call.body.get("encoding_format") == "base64"
    inputs = given if isinstance(given, list) and not (given and isinstance(given[0], int)) else [given]
    data = [
        {"object": "embedding", "index": i, "embedding": _embedding(str(text), int(size), packed)}
        for i, text in enumerate(inputs)
    ]
    tokens = sum(len(item) if isinstance(item, list) else count_tokens(volume(item)) for item in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {"object": "list", "data": data, "model": model, "usage": usage}
    return Answer(headers=openai_errors.headers(call, model), body=orjson.dumps(body))


def _embedding(text: str, size: int, packed: bool) -> list[float] | str:
    values = vector(text, min(max(size, 1), 4096))
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() if packed else list(values)


@lru_cache(maxsize=64)
def vector(text: str, size: int) -> tuple[float, ...]:
    """A vector of length one that is always the same for a text."""
    source = random.Random(text)  # noqa: S311  # not for secrets: the same text must give the same vector
    values = [source.gauss(0.0, 1.0) for _ in range(size)]
    norm = sum(v * v for v in values) ** 0.5 or 1.0
    return tuple(round(v / norm, 8) for v in values)


def moderations(call: Call, script: Script) -> Answer:
    """The answer to `POST …/moderations`: violent is what speaks of killing."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    results = [_judged(text) for text in _items(call.body.get("input", ""))]
    body = {"id": call.token("modr-"), "model": "omni-moderation-latest", "results": results}
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(body))


def _judged(text: Any) -> Json:
    violent = "kill" in str(text).lower()
    categories = {name: name == "violence" and violent for name in _CATEGORIES}
    return {
        "flagged": violent,
        "categories": categories,
        "category_scores": {name: 0.9 if said else 0.01 for name, said in categories.items()},
        "category_applied_input_types": {name: ["text"] for name in categories},
    }


def models(call: Call, _script: Script) -> Answer:
    """The answer to `GET …/models`: no LLM call, but asked by many clients."""
    data = [
        {"id": name, "object": "model", "created": 1715367049, "owned_by": "system"}
        for name in ("gpt-4o-mini", "gpt-4o", "gpt-5", "text-embedding-3-small")
    ]
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps({"object": "list", "data": data}))
