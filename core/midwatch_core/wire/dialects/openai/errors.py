"""Errors in OpenAI's shape and its vendors' variants: read from an answer, and written for an answer of our own."""

import orjson

from midwatch_core.model.content import Json, ProviderError
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.answering import json_answer
from midwatch_core.wire.jsontext import compact
from midwatch_core.wire.node import Node, Trouble

_TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ERROR_MARKS = frozenset({"error", "object"})


def read_error(body: Node, *, failed: bool) -> ProviderError | None:
    """The error of a body, None where there is none.

    Beside OpenAI's `{"error": {"message", "type", "code"}}` there are `{"error": "…"}` (Hugging Face, xAI), a list
    around it (Google's compatible endpoint) and, on an HTTP error (`failed`), members at the top: `message`
    (vLLM, Cerebras, Azure's gateway) or `detail` (FastAPI, Mistral).
    """
    first = next(iter(body), None) if body.is_list else None
    top = first or body
    if not top.is_dict:
        return None
    if not failed and top.lacks(_ERROR_MARKS):
        return None
    error = top["error"]
    if error.is_dict:
        return ProviderError(type=_type(error), message=_words(error))
    if error.is_str and error.value:
        return ProviderError(type=_type(top), message=error.text())
    if failed or top["object"].value == "error":
        message = _words(top)
        return ProviderError(type=_type(top), message=message) if message else None
    return None


def read_stream_error(chunk: Json) -> ProviderError | None:
    """The error of one event of a stream, read the same way."""
    return read_error(Node(chunk, Trouble()), failed=False)


def _type(error: Node) -> str | None:
    for key in ("type", "code", "statusCode"):
        value = error[key].value
        if isinstance(value, str | int) and value != "" and not isinstance(value, bool):
            return str(value)
    return None


def _words(error: Node) -> str | None:
    for key in ("message", "detail"):
        found = error[key]
        if found.value:
            return found.text() if found.is_str else compact(found.value)
    return None


def error_document(refusal: Refusal) -> dict[str, Json]:
    """The `error` member of an answer of ours."""
    default = "server_error" if refusal.status >= 500 else "invalid_request_error"
    return {
        "message": refusal.message,
        "type": _TYPE_OF_STATUS.get(refusal.status, default),
        "param": None,
        "code": refusal.code,
        "request_id": refusal.request_id,
    }


def refuse(refusal: Refusal) -> Answer:
    """An answer of ours which OpenAI's client libraries raise as the typed error of its status.

    They read `x-should-retry`, and show `x-request-id` as the error's `request_id`.
    """
    extra = [("x-request-id", refusal.request_id)]
    if refusal.status == 403:
        extra.append(("x-should-retry", "false"))
    return json_answer(refusal, {"error": error_document(refusal)}, *extra)


def refuse_in_stream(refusal: Refusal) -> bytes:
    """The same as an event of a stream that has begun; the libraries raise it as APIError."""
    return b"data: %s\n\ndata: [DONE]\n\n" % orjson.dumps({"error": error_document(refusal)})
