"""OpenAI's Files and Batches: an upload is received, a batch is done at once, and its results say the same twice."""

from __future__ import annotations

from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import line

_DONE = "Done as you asked."


def upload(call: Call, script: Script) -> Answer:
    """The answer to `POST …/files`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    file = call.body.get("file")
    held: Json = file if isinstance(file, dict) else {"filename": "file", "data": b""}
    body = {
        "id": call.token("file-"),
        "object": "file",
        "bytes": len(held["data"]),
        "created_at": call.at,
        "filename": held["filename"],
        "purpose": call.body.get("purpose", "user_data"),
        "status": "processed",
    }
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(body))


def content(call: Call, script: Script) -> Answer:
    """The answer to `GET …/files/{id}/content`: the results of a batch of two."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    text = script.answer if script.answer is not None else _DONE
    body = b"".join(line(_result(call, number, text)) for number in (1, 2))
    return Answer(headers=openai_errors.headers(call), content_type="application/octet-stream", body=body)


def _result(call: Call, number: int, text: str) -> Json:
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    body: Json = {
        "id": call.token(f"chatcmpl-{number}"),
        "object": "chat.completion",
        "created": call.at,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
    }
    response = {"status_code": 200, "request_id": call.token("req_", 32), "body": body}
    return {"id": call.token(f"batch_req_{number}"), "custom_id": f"r{number}", "response": response, "error": None}


def batch(call: Call, script: Script) -> Answer:
    """The answer to `POST …/batches`, and to `GET …/batches/{id}`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(_batch(call)))


def batches(call: Call, script: Script) -> Answer:
    """The answer to `GET …/batches`."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    body = {"object": "list", "data": [_batch(call)], "has_more": False}
    return Answer(headers=openai_errors.headers(call), body=orjson.dumps(body))


def _batch(call: Call) -> Json:
    given: dict[str, Any] = call.body
    return {
        "id": call.token("batch_"),
        "object": "batch",
        "endpoint": given.get("endpoint", "/v1/chat/completions"),
        "errors": None,
        "input_file_id": given.get("input_file_id", "file-1"),
        "completion_window": given.get("completion_window", "24h"),
        "status": "completed" if call.method == "GET" else "validating",
        "output_file_id": "file-2",
        "created_at": call.at,
        "request_counts": {"total": 2, "completed": 2, "failed": 0},
        "usage": {"input_tokens": 18, "output_tokens": 10, "total_tokens": 28},
        "metadata": given.get("metadata"),
    }
