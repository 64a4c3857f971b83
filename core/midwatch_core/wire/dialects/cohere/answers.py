"""What Cohere's methods have in common: usage, finish reasons, errors and the refusals written in their shape."""

import orjson

from midwatch_core.model.content import FinishReason, Json, ProviderError
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.answering import json_answer, notice
from midwatch_core.wire.node import Node

# Of v2, then what only v1 says (docs.cohere.com/reference/chat).
_REASONS = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "TOOL_CALL": FinishReason.TOOL_CALLS,
    "ERROR": FinishReason.ERROR,
    "TIMEOUT": FinishReason.ERROR,
    "ERROR_TOXIC": FinishReason.CONTENT_FILTER,
    "ERROR_LIMIT": FinishReason.LENGTH,
    "USER_CANCEL": FinishReason.CANCELLED,
}
# Billed by the piece, not by the token; tokens of pictures have a rate of their own.
_FEES = ("search_units", "classifications", "images", "image_tokens")


def read_usage(usage: Node) -> Usage | None:
    """The `usage` of a chat, the `meta` of the other methods; None where it counts nothing.

    Both tell what is billed and what the model read, which is more: Cohere's own prompt around tools and documents is
    free. What is billed counts here, and `tokens` only where there is no word of that. `cached_tokens` are those of
    the second count, so they are a part of that alone.
    """
    billed, tokens = usage["billed_units"], usage["tokens"]
    fees = {name: count for name in _FEES if (count := billed[name].whole())}
    read, written = billed["input_tokens"].whole(), billed["output_tokens"].whole()
    if read is not None or written is not None or fees:
        return Usage(input_tokens=read, output_tokens=written, tool_fees=fees)
    read, written = tokens["input_tokens"].whole(), tokens["output_tokens"].whole()
    if read is None and written is None:
        return None
    return Usage(input_tokens=read, output_tokens=written, cache_read_tokens=usage["cached_tokens"].whole())


def finish_reason(raw: str | None) -> FinishReason | None:
    """The normalised reason."""
    return _REASONS.get(raw, FinishReason.OTHER) if raw else None


def read_error(body: Node, *, failed: bool) -> ProviderError | None:
    """`message` at the top of an HTTP error (`failed`); there is no type beside it."""
    if not failed or not body.is_dict:
        return None
    message = body["message"].text()
    return ProviderError(type=body["code"].text() if body["code"].is_str else None, message=message)


def refuse(refusal: Refusal) -> Answer:
    """A refusal as an answer of its own; the client library raises the typed error of its status with this body."""
    return json_answer(refusal, {"id": refusal.request_id, "message": refusal.message, "code": refusal.code})


def refuse_in_stream(refusal: Refusal) -> bytes:
    """A refusal as the end of a stream: the library knows no error event, only a message that ends in one."""
    return b"event: message-end\ndata: %s\n\ndata: [DONE]\n\n" % orjson.dumps(failed_end(refusal))


def failed_end(refusal: Refusal) -> dict[str, Json]:
    """The last event of a message that ends in a refusal."""
    delta: dict[str, Json] = {"finish_reason": "ERROR", "error": refusal.message}
    return {"type": "message-end", "delta": delta, **notice(refusal)}
