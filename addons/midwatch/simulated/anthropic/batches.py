"""Anthropic's Message Batches: done at once; the results say the same to two requests."""

from __future__ import annotations

from dataclasses import replace

import orjson

from midwatch.simulated.anthropic import messages as anthropic
from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import line

_ASKED = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Tell me of tides"}]}


def batch(call: Call, script: Script) -> Answer:
    """The answer to `POST /v1/messages/batches`, and to `GET` of one."""
    if script.status >= 400:
        return anthropic.error(call, script)
    requests = call.body.get("requests")
    count = len(requests) if isinstance(requests, list) else 2
    ended = call.method == "GET"
    authority = call.headers.get("host", call.host)
    body = {
        "id": call.token("msgbatch_01", 22),
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": {
            "processing": 0 if ended else count,
            "succeeded": count if ended else 0,
            "errored": 0,
            "canceled": 0,
            "expired": 0,
        },
        "created_at": "2026-11-01T12:00:00Z",
        "expires_at": "2026-11-02T12:00:00Z",
        "ended_at": "2026-11-01T12:01:00Z" if ended else None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"https://{authority}{call.path}/results" if ended else None,
    }
    return Answer(headers=anthropic.headers(call), body=orjson.dumps(body))


def results(call: Call, script: Script) -> Answer:
    """The answer to `GET /v1/messages/batches/{id}/results`: one message, and one request that failed."""
    if script.status >= 400:
        return anthropic.error(call, script)
    message = anthropic.answer(replace(call, body=dict(_ASKED)), script).body or b""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": None}
    came: tuple[Json, ...] = (
        {"type": "succeeded", "message": orjson.loads(message)},
        {"type": "errored", "error": error},
    )
    body = b"".join(line({"custom_id": f"r{number}", "result": item}) for number, item in enumerate(came, 1))
    return Answer(headers=anthropic.headers(call), content_type="application/x-jsonl", body=body)
