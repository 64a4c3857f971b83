"""Gemini's usage, normalised: thoughts count beside the candidates, what tools read beside the prompt."""

from midwatch_core.model.usage import Usage
from midwatch_core.wire.node import Node

# With `enum-encoding=int` the modality is its number.
_AUDIO = ("AUDIO", 4)
_IMAGE = ("IMAGE", 2)
_TIERS = {"ON_DEMAND": "standard", "ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}


def read_usage(usage: Node, *, searches: int = 0) -> Usage | None:
    """The `usageMetadata` of an answer; None where it counts nothing. `searches` are billed by the query."""
    prompt, tools = usage["promptTokenCount"].whole(), usage["toolUsePromptTokenCount"].whole()
    written = _first(usage["candidatesTokenCount"].whole(), usage["responseTokenCount"].whole())
    thoughts, total = usage["thoughtsTokenCount"].whole(), usage["totalTokenCount"].whole()
    read = _sum(prompt, tools)
    if read is None and written is None and total is None:
        return None
    output = _sum(written, thoughts)
    if output is None and read is not None and read == total:
        output = 0  # a zero is left out in protobuf's JSON
    return Usage(
        input_tokens=read,
        output_tokens=output,
        cache_read_tokens=usage["cachedContentTokenCount"].whole(),
        reasoning_tokens=thoughts,
        input_audio_tokens=_of(_AUDIO, usage["promptTokensDetails"], usage["toolUsePromptTokensDetails"]),
        input_image_tokens=_of(_IMAGE, usage["promptTokensDetails"], usage["toolUsePromptTokensDetails"]),
        cache_audio_read_tokens=_of(_AUDIO, usage["cacheTokensDetails"]),
        output_audio_tokens=_of(_AUDIO, usage["candidatesTokensDetails"], usage["responseTokensDetails"]),
        output_image_tokens=_of(_IMAGE, usage["candidatesTokensDetails"], usage["responseTokensDetails"]),
        tool_fees={"google_search": searches} if searches else {},
    )


def read_service_tier(usage: Node) -> str | None:
    """The tier that served the call; Vertex AI names it as the type of traffic."""
    if tier := usage["serviceTier"].text():
        return tier
    traffic = usage["trafficType"].value
    return _TIERS.get(traffic, traffic.lower()) if isinstance(traffic, str) else None


def _of(modality: tuple[str, int], *details: Node) -> int | None:
    counts = [
        count
        for detail in details
        for item in detail
        if item["modality"].value in modality and (count := item["tokenCount"].whole()) is not None
    ]
    return sum(counts) if counts else None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _sum(*values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
