"""What OpenAI keeps, as if it had: a response fetched by its id, conversations; and the count of a request's tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.openai import responses as openai_responses
from midwatch.simulated.script import Script


def fetched(call: Call, script: Script) -> Answer:
    """The answer to `GET …/responses/{id}`: done by now. Its id is the one that is asked for."""
    asked = replace(call, body={"model": "gpt-5", "input": "Tell me about tides", "background": True})
    given = openai_responses.answer(asked, script)
    if given.body is None or script.status >= 400:
        return given
    body: Json = orjson.loads(given.body)
    return replace(given, body=orjson.dumps(body | {"id": call.path.rpartition("/")[2]}))


def count(call: Call, script: Script) -> Answer:
    """The answer to `POST …/responses/input_tokens`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    body = {"object": "response.input_tokens", "input_tokens": openai_responses.read(call).input_tokens}
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(body))


def conversation(call: Call, script: Script) -> Answer:
    """The answer to `POST …/conversations`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    body = {
        "id": call.token("conv_"),
        "object": "conversation",
        "created_at": call.at,
        "metadata": call.body.get("metadata") or {},
    }
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(body))


def items(call: Call, script: Script) -> Answer:
    """The answer to `POST …/conversations/{id}/items`: what was added, as the provider keeps it."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    given = call.body.get("items")
    data = [_kept(call, number, item) for number, item in enumerate(given if isinstance(given, list) else [])]
    ids: list[Any] = [item["id"] for item in data] or [None]
    body = {"object": "list", "data": data, "first_id": ids[0], "last_id": ids[-1], "has_more": False}
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(body))


def _kept(call: Call, number: int, item: Any) -> Json:
    item = item if isinstance(item, dict) else {}
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "input_text", "text": content}]
    return {"type": "message", **item, "id": call.token(f"msg_{number}"), "status": "completed", "content": content}
