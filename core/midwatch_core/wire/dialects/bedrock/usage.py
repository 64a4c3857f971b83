"""Bedrock's counts, normalised: its input tokens exclude what the cache read and wrote, ours include it.

As for every prompt cache of Bedrock: docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
"""

from collections.abc import Mapping

from midwatch_core.model.usage import Usage
from midwatch_core.wire.node import Node, Trouble

_HEADER = "x-amzn-bedrock-{}-token-count"
_MAX_DIGITS = 15


def read_usage(usage: Node) -> Usage | None:
    """Converse's `usage` (TokenUsage), with `cacheDetails` for the lifetimes of what was written."""
    if not usage.is_dict:
        return None
    hour = _of_an_hour(usage["cacheDetails"])
    written = usage["cacheWriteInputTokens"].whole()
    return _usage(
        fresh=usage["inputTokens"].whole(),
        output=usage["outputTokens"].whole(),
        read=usage["cacheReadInputTokens"].whole(),
        five=written if not hour or written is None else max(written - hour, 0),
        hour=hour,
    )


def read_metrics(metrics: Node) -> Usage | None:
    """`amazon-bedrock-invocationMetrics` of the last chunk of a streamed invocation."""
    if not metrics.is_dict:
        return None
    return _usage(
        fresh=metrics["inputTokenCount"].whole(),
        output=metrics["outputTokenCount"].whole(),
        read=metrics["cacheReadInputTokenCount"].whole(),
        five=metrics["cacheWriteInputTokenCount"].whole(),
    )


def usage_of_headers(headers: Mapping[str, str]) -> Usage | None:
    """What the headers of a whole answer count; None where they count nothing."""
    counts = {
        kind: Node(_number(headers.get(_HEADER.format(kind), "")), Trouble()).whole()
        for kind in ("input", "output", "cache-read-input", "cache-write-input")
    }
    if counts["input"] is None and counts["output"] is None:
        return None
    return _usage(
        fresh=counts["input"],
        output=counts["output"],
        read=counts["cache-read-input"],
        five=counts["cache-write-input"],
    )


def _usage(
    *, fresh: int | None, output: int | None, read: int | None, five: int | None, hour: int | None = None
) -> Usage:
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (five or 0) + (hour or 0),
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_5m_tokens=five,
        cache_write_1h_tokens=hour,
    )


def _of_an_hour(details: Node) -> int | None:
    """Tokens written for an hour; everything else has the default of five minutes."""
    counts = [item["inputTokens"].whole() for item in details if item["ttl"].value == "1h"]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else None
