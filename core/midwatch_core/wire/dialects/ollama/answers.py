"""What Ollama's methods have in common: counts, finish reasons, errors and the refusals written in their shape."""

import orjson

from midwatch_core.model.content import FinishReason, Json, ProviderError
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.answering import json_answer
from midwatch_core.wire.node import Node

_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}


def read_usage(body: Node) -> Usage | None:
    """The counts of a last line or a whole answer. A prompt that was cached entirely may not be counted."""
    prompt, written = body["prompt_eval_count"].whole(), body["eval_count"].whole()
    return None if prompt is None and written is None else Usage(input_tokens=prompt, output_tokens=written)


def finish_reason(body: Node, *, called_tools: bool) -> tuple[FinishReason | None, str | None]:
    """`done_reason`, which old versions leave out; a turn that ends in calls is a plain `stop` to Ollama."""
    raw = body["done_reason"].text()
    if raw is None and not body["done"].flag():
        return None, None
    reason = FinishReason.STOP if raw is None else _REASONS.get(raw, FinishReason.OTHER)
    return (FinishReason.TOOL_CALLS if called_tools and reason is FinishReason.STOP else reason), raw


def read_error(body: Node) -> ProviderError | None:
    """`error` is the message itself; behind a gateway it may be an object."""
    error = body["error"]
    if error.is_dict:
        return ProviderError(type=error["type"].text(), message=error["message"].text())
    return ProviderError(type=None, message=error.text()) if error else None


def refuse(refusal: Refusal) -> Answer:
    """A refusal as an answer of its own."""
    return json_answer(refusal, _body(refusal))


def refuse_in_stream(refusal: Refusal) -> bytes:
    """A refusal as a stream's last line."""
    return orjson.dumps(_body(refusal)) + b"\n"


def _body(refusal: Refusal) -> Json:
    return {"error": refusal.message, "code": refusal.code, "request_id": refusal.request_id}
