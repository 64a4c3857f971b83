"""How a response of the Realtime protocol ended: `response.done` has its status, its usage, and why it failed."""

from collections.abc import Sequence

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.items import kind_of
from midwatch_core.wire.dialects.openai.responses_outcome import Outcome
from midwatch_core.wire.node import Node

_STATUSES = {
    "completed": FinishReason.STOP,
    "cancelled": FinishReason.CANCELLED,
    "failed": FinishReason.ERROR,
    "incomplete": FinishReason.OTHER,
}
_REASONS = {"max_output_tokens": FinishReason.LENGTH, "content_filter": FinishReason.CONTENT_FILTER}
_CLIENTS_CALLS = frozenset({"function_call", "mcp_approval_request"})


def read_realtime_outcome(response: Node, items: Sequence[Node]) -> Outcome:
    """The outcome of a response whose output are `items`."""
    status, details = response["status"].text(), response["status_details"]
    reason = details["reason"].text()
    finish = _REASONS.get(reason or "") or _STATUSES.get(status or "")
    if finish is FinishReason.STOP and any(kind_of(item) in _CLIENTS_CALLS for item in items):
        finish = FinishReason.TOOL_CALLS
    error = details["error"]
    return Outcome(
        usage=read_realtime_usage(response["usage"]),
        error=ProviderError(type=_type(error), message=error["message"].text()) if error.is_dict else None,
        finish=finish,
        raw_finish=reason or status if finish else None,
    )


def read_realtime_usage(usage: Node) -> Usage | None:
    """Tokens of a response, or of a transcription; None where none are reported (some count seconds)."""
    tokens_in, tokens_out = usage["input_tokens"].whole(), usage["output_tokens"].whole()
    if tokens_in is None and tokens_out is None:
        return None
    inputs, outputs = usage["input_token_details"], usage["output_token_details"]
    return Usage(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cache_read_tokens=inputs["cached_tokens"].whole(),
        cache_audio_read_tokens=inputs["cached_tokens_details"]["audio_tokens"].whole(),
        input_audio_tokens=inputs["audio_tokens"].whole(),
        input_image_tokens=inputs["image_tokens"].whole(),
        output_audio_tokens=outputs["audio_tokens"].whole(),
    )


def _type(error: Node) -> str | None:
    return error["type"].text() or error["code"].text()
