"""Google's error shape (google.rpc.Status), read and written."""

import orjson

from midwatch_core.model.content import Json, ProviderError
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.answering import json_answer
from midwatch_core.wire.node import Node

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def read_error(error: Node) -> ProviderError | None:
    """The `error` of a body; None where there is none."""
    if not error.is_dict:
        return None
    code = error["code"].whole()
    return ProviderError(
        type=error["status"].text() or (None if code is None else str(code)), message=error["message"].text()
    )


def refuse(refusal: Refusal) -> Answer:
    """A refusal as an answer of its own."""
    return json_answer(refusal, _body(refusal))


def refuse_in_stream(refusal: Refusal) -> bytes:
    """A refusal as the last event of an SSE stream; google-genai raises at an event that begins with `error`."""
    return b"data: " + orjson.dumps(_body(refusal)) + b"\r\n\r\n"


def _body(refusal: Refusal) -> Json:
    default = "INTERNAL" if refusal.status >= 500 else "FAILED_PRECONDITION"
    return {
        "error": {
            "code": refusal.status,
            "message": refusal.message,
            "status": _STATUSES.get(refusal.status, default),
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": refusal.code,
                    "domain": "midwatch",
                    "metadata": {"request_id": refusal.request_id},
                }
            ],
        }
    }
