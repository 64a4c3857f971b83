"""Anthropic's usage, normalised: its input tokens exclude what the cache read and wrote, ours include it."""

from midwatch_core.model.usage import Usage
from midwatch_core.wire.node import Node

# Server tools billed by the call. Web fetches cost their tokens only.
_FEES = {"web_search_requests": "web_search"}


def read_usage(usage: Node) -> Usage | None:
    """The `usage` object of a message; None where there is none.

    Counts at its top cover all model turns of the call but for two: a compaction's turn, which the same model bills
    beside them and is added here, and an advisor's, which another model bills: it is counted in `tool_fees`.
    """
    if not usage.is_dict:
        return None
    counts = [_counts(usage)]
    iterations = list(usage["iterations"])
    counts += [_counts(item) for item in iterations if item["type"].value == "compaction"]
    fresh, output, read, five, hour = (_sum(column) for column in zip(*counts, strict=True))
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (five or 0) + (hour or 0),
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_5m_tokens=five,
        cache_write_1h_tokens=hour,
        reasoning_tokens=usage["output_tokens_details"]["thinking_tokens"].whole(),
        tool_fees=_fees(usage, iterations),
    )


def read_service_tier(usage: Node) -> str | None:
    """The tier that served the call; fast mode, which has prices of its own, counts as one."""
    tier = usage["service_tier"].text()
    return "fast" if usage["speed"].value == "fast" and tier in (None, "standard") else tier


def _counts(usage: Node) -> tuple[int | None, int | None, int | None, int | None, int | None]:
    """Fresh input, output, cache reads, and cache writes of five minutes and of one hour."""
    return (
        usage["input_tokens"].whole(),
        usage["output_tokens"].whole(),
        usage["cache_read_input_tokens"].whole(),
        *_cache_writes(usage),
    )


def _cache_writes(usage: Node) -> tuple[int | None, int | None]:
    """A total without its breakdown is of five minutes, the default.

    A stream's last report may have a larger total than the breakdown at its start: what was added has the lifetime
    that the breakdown had.
    """
    total = usage["cache_creation_input_tokens"].whole()
    five = usage["cache_creation"]["ephemeral_5m_input_tokens"].whole()
    hour = usage["cache_creation"]["ephemeral_1h_input_tokens"].whole()
    added = (total or 0) - (five or 0) - (hour or 0)
    if five is None and hour is None:
        return total, None
    if added > 0 and hour and not five:
        return five, hour + added
    return ((five or 0) + added if added > 0 else five), hour


def _fees(usage: Node, iterations: list[Node]) -> dict[str, int]:
    fees = {name: count for key, name in _FEES.items() if (count := usage["server_tool_use"][key].whole())}
    advised = sum(item["type"].value == "advisor_message" for item in iterations)
    return fees | ({"advisor": advised} if advised else {})


def _sum(values: tuple[int | None, ...]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
