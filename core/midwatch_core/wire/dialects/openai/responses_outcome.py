"""What an object of the Responses API says beside its texts: usage, fees, the reason of its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.errors import read_error
from midwatch_core.wire.dialects.openai.items import kind_of
from midwatch_core.wire.node import Node

_STATUSES = {
    "completed": FinishReason.STOP,
    "failed": FinishReason.ERROR,
    "cancelled": FinishReason.CANCELLED,
}
_INCOMPLETE = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
# Calls that the client has to carry out: with one of them the model waits, and did not stop.
_CLIENTS_CALLS = frozenset(
    {
        "apply_patch_call",
        "computer_call",
        "custom_tool_call",
        "function_call",
        "local_shell_call",
        "mcp_approval_request",
        "shell_call",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a response ended; `raw_finish` is the provider's word for `finish`."""

    usage: Usage | None = None
    error: ProviderError | None = None
    finish: FinishReason | None = None
    raw_finish: str | None = None


def read_outcome(response: Node, items: Sequence[Node]) -> Outcome:
    """The outcome of a response whose output are `items`."""
    finish, raw = read_finish(response, items)
    return Outcome(
        usage=read_responses_usage(response["usage"], items),
        error=read_error(response, failed=False),
        finish=finish,
        raw_finish=raw,
    )


def read_finish(response: Node, items: Iterable[Node]) -> tuple[FinishReason | None, str | None]:
    """The reason of the end and the provider's word for it; None and None while it goes on."""
    status = response["status"].text()
    if status == "incomplete":
        reason = response["incomplete_details"]["reason"].text()
        return _INCOMPLETE.get(reason or "", FinishReason.OTHER), reason or status
    finish = _STATUSES.get(status or "")
    if finish is FinishReason.STOP and any(kind_of(item) in _CLIENTS_CALLS for item in items):
        finish = FinishReason.TOOL_CALLS
    return finish, status if finish else None


def read_responses_usage(usage: Node, items: Iterable[Node]) -> Usage | None:
    """Tokens, and the calls of `items` that are billed apart; None where no tokens are reported."""
    if not usage:
        return None
    inputs, outputs = usage["input_tokens_details"], usage["output_tokens_details"]
    tokens_in, tokens_out = usage["input_tokens"].whole(), usage["output_tokens"].whole()
    if tokens_in is None and tokens_out is None:
        return None
    short, long = _cache_writes(inputs)
    return Usage(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cache_read_tokens=inputs["cached_tokens"].whole(),
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        reasoning_tokens=outputs["reasoning_tokens"].whole(),
        input_audio_tokens=inputs["audio_tokens"].whole(),
        input_image_tokens=inputs["image_tokens"].whole(),
        output_audio_tokens=outputs["audio_tokens"].whole(),
        output_image_tokens=outputs["image_tokens"].whole(),
        tool_fees=read_fees(items),
    )


def _cache_writes(inputs: Node) -> tuple[int | None, int | None]:
    """Cache writes of the default (30 min) and of the long (12 h) lifetime, as ours of 5 min and 1 h."""
    written = inputs["cache_write_tokens"].whole()
    long = inputs["cache_write_tokens_details"]["ttl_12h_tokens"].whole()
    if written is None or long is None:
        return written, long
    return max(written - long, 0), long


def read_fees(items: Iterable[Node]) -> dict[str, int]:
    """Calls billed apart. A web search's `open_page` and `find_in_page` are free; code runs by container."""
    fees: dict[str, int] = {}
    containers: set[str] = set()
    for item in items:
        kind = kind_of(item)
        if kind == "web_search_call" and (item["action"].is_dict and item["action"]["type"].value != "search"):
            continue
        if kind == "code_interpreter_call":
            containers.add(item["container_id"].text() or "")
            fees["code_interpreter"] = len(containers)
        elif kind in ("web_search_call", "file_search_call", "image_generation_call"):
            name = kind.removesuffix("_call")
            fees[name] = fees.get(name, 0) + 1
    return fees
