"""Tokens as OpenAI's chat shape and its vendors' variants count them."""

from midwatch_core.model.usage import Usage
from midwatch_core.wire.node import Node

# Calls billed apart, by the member of `usage` that counts them.
_FEES = {
    "num_search_queries": "search_queries",  # Perplexity
    "num_sources_used": "live_search_sources",  # xAI
}
_FEE_HOLDERS = frozenset({*_FEES, "server_tool_use", "server_side_tool_usage_details"})


def read_chat_usage(usage: Node) -> Usage | None:
    """Usage of Chat Completions, Completions and Embeddings; None where there is none.

    `prompt_tokens` has the cached ones in it everywhere. `completion_tokens` has the reasoning in it but at xAI,
    Perplexity and Google's compatible endpoint, which `_outside` finds by arithmetic.
    """
    if not usage:
        return None
    inputs, outputs = usage["prompt_tokens_details"], usage["completion_tokens_details"]
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if prompt is None and completion is None:
        return None
    reasoning = _count(outputs, "reasoning_tokens")
    audio_in = _count(inputs, "audio_tokens")
    missing_in, missing_out = _outside(usage, prompt or 0, completion or 0, reasoning)
    if reasoning is None:
        reasoning = _count(usage, "reasoning_tokens") or (missing_out or None)
    return Usage(
        input_tokens=prompt if prompt is None else prompt + missing_in,
        output_tokens=completion if completion is None else completion + missing_out,
        cache_read_tokens=_cached(usage, inputs),
        cache_write_5m_tokens=_count(inputs, "cache_write_tokens"),
        reasoning_tokens=reasoning,
        input_audio_tokens=audio_in if audio_in is not None else (missing_in or None),
        input_image_tokens=_count(inputs, "image_tokens"),
        output_audio_tokens=_count(outputs, "audio_tokens"),
        output_image_tokens=_count(outputs, "image_tokens"),
        tool_fees=_fees(usage),
    )


def _cached(usage: Node, details: Node) -> int | None:
    """Cache reads: OpenAI's place, DeepSeek's, and Moonshot's and Together's."""
    places = ((details, "cached_tokens"), (usage, "prompt_cache_hit_tokens"), (usage, "cached_tokens"))
    return next((count for holder, key in places if (count := _count(holder, key)) is not None), None)


def _outside(usage: Node, prompt: int, completion: int, reasoning: int | None) -> tuple[int, int]:
    """Tokens of the input and of the output that the two counts leave out.

    xAI and Google leave reasoning out of `completion_tokens` and put it in `total_tokens`; Google does not name it.
    Perplexity leaves it out of both, so that it exceeds the output. Mistral's audio input is only in the total.
    """
    total = _count(usage, "total_tokens") or 0
    rest = total - prompt - completion
    own = _count(usage, "reasoning_tokens") or 0
    if rest <= 0:
        return 0, own if own > completion else 0
    if usage["prompt_audio_seconds"]:
        return rest, 0
    return (0, rest) if reasoning in (None, 0, rest) else (0, 0)


def _fees(usage: Node) -> dict[str, int]:
    if usage.lacks(_FEE_HOLDERS):
        return {}
    fees = {name: _count(usage, key) for key, name in _FEES.items()}
    fees["web_search"] = usage["server_tool_use"]["web_search_requests"].whole()  # OpenRouter
    for key, node in usage["server_side_tool_usage_details"].members():  # xAI
        fees[key.removesuffix("_calls")] = node.whole()
    return {name: count for name, count in fees.items() if count}


def _count(holder: Node, key: str) -> int | None:
    """`holder[key].whole()`, without a node where all is well: some servers send usage with every token."""
    value = holder.value
    if value is None:
        return None
    if type(value) is dict:
        found = value.get(key)
        if found is None or (type(found) is int and found >= 0):
            return found
    return holder[key].whole()
