"""OpenAI's Images: one picture of one pixel, as often as it is asked for, whole or as it is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import named_event
from midwatch.simulated.wording import count_tokens

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_TOKENS_OF_A_PICTURE = 1056
_MOST = 10


def answer(call: Call, script: Script) -> Answer:
    """The answer to `POST …/images/generations`, `…/edits` and `…/variations`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    headers = openai_errors.headers(call)
    if call.body.get("stream") in (True, "true"):
        kind = "image_edit" if call.path.endswith("/edits") else "image_generation"
        return Answer(headers=headers, content_type="text/event-stream; charset=utf-8", events=_drawn(call, kind))
    count = _count(call, "n", 1)
    data: list[Json] = [{"b64_json": _PIXEL} for _ in range(count)]
    if str(call.body.get("model", "dall-e-2")).startswith("dall-e"):
        prompt = str(call.body.get("prompt", ""))
        body: Json = {"created": call.at, "data": [item | {"revised_prompt": f"In oil: {prompt}"} for item in data]}
    else:
        body = {"created": call.at, "data": data, **_settings(), "usage": _usage(call, count)}
    return Answer(headers=headers, body=orjson.dumps(body))


def _drawn(call: Call, kind: str) -> Iterator[bytes]:
    shared: Json = {"b64_json": _PIXEL, "created_at": call.at, **_settings()}
    for index in range(_count(call, "partial_images", 0)):
        event = shared | {"type": f"{kind}.partial_image", "partial_image_index": index}
        yield named_event(event["type"], event)
    event = shared | {"type": f"{kind}.completed", "usage": _usage(call, 1)}
    yield named_event(event["type"], event)


def _settings() -> Json:
    return {"background": "opaque", "output_format": "png", "quality": "low", "size": "1024x1024"}


def _usage(call: Call, count: int) -> Json:
    read, wrote = count_tokens(len(str(call.body.get("prompt", "")))), count * _TOKENS_OF_A_PICTURE
    return {
        "input_tokens": read,
        "input_tokens_details": {"text_tokens": read, "image_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": wrote},
        "total_tokens": read + wrote,
    }


def _count(call: Call, name: str, default: int) -> int:
    given = str(call.body.get(name, default))
    return min(int(given), _MOST) if given.isascii() and given.isdecimal() else default
