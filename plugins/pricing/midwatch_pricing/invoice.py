"""The invoice of one call: its usage split into kinds, each times its rate, summed exactly."""

from collections.abc import Mapping
from decimal import Context, Decimal

from midwatch_core import Cost, CostLine, Usage
from midwatch_pricing.rates import RateCard

# Enough digits that no product of counts and rates is ever rounded.
_EXACT = Context(prec=80)


def invoice(usage: Usage, card: RateCard) -> Cost:
    """The cost of a usage by a rate card; where some of it has no known rate, the lines that have, and the reason."""
    counts, reason = _split(usage, card)
    lines = [_line(kind, count, card, usage.input_tokens or 0) for kind, count in counts.items() if kind in card.rates]
    missing = [kind for kind in counts if kind not in card.rates]
    if reason is None and missing:
        reason = f"no rate for {', '.join(missing)} of {card.model}"
    reason = reason or card.uncounted
    amount = Decimal(0)
    for line in lines:
        amount = _EXACT.add(amount, line.amount)
    return Cost(amount=None if reason else amount, source=card.source, reason=reason, lines=tuple(lines))


def _line(kind: str, count: int, card: RateCard, input_tokens: int) -> CostLine:
    rate = card.rates[kind]
    dollars = rate.at(input_tokens)
    amount = _EXACT.divide(_EXACT.multiply(Decimal(count), dollars), Decimal(rate.per))
    return CostLine(kind=kind, quantity=count, rate=dollars, per=rate.per, amount=amount)


def _split(usage: Usage, card: RateCard) -> tuple[dict[str, int], str | None]:
    """Each token under one kind, zeros left out, and what about the usage can't be billed."""
    if usage.input_tokens is None:
        return {}, "input tokens not reported"
    if usage.output_tokens is None:
        return {}, "output tokens not reported"
    reads, writes = _input_parts(usage, card), _output_parts(usage, card)
    counts = {
        "input": usage.input_tokens - sum(reads.values()),
        **reads,
        "output": usage.output_tokens - sum(writes.values()),
        **writes,
        **{fee: 1 if count and fee in card.once else count for fee, count in usage.tool_fees.items()},
    }
    if min(counts.values()) < 0:
        return {}, "the usage does not add up: its parts are more than the whole"
    if _audio_is_mixed(usage, card):
        return {}, "the usage does not tell cached audio from cached text"
    return {kind: count for kind, count in counts.items() if count}, None


def _input_parts(usage: Usage, card: RateCard) -> dict[str, int]:
    own = card.separate("input_audio")
    audio = (usage.input_audio_tokens or 0) if own else 0
    cached_audio = (usage.cache_audio_read_tokens or 0) if own else 0
    parts = {
        "cache_read": (usage.cache_read_tokens or 0) - cached_audio,
        "cache_write_5m": usage.cache_write_5m_tokens or 0,
        "cache_write_1h": usage.cache_write_1h_tokens or 0,
        "input_audio": audio - cached_audio,
        "cache_audio_read": cached_audio,
        "input_image": usage.input_image_tokens or 0,
    }
    return _separate(parts, card)


def _output_parts(usage: Usage, card: RateCard) -> dict[str, int]:
    parts = {
        "reasoning": usage.reasoning_tokens or 0,
        "output_audio": usage.output_audio_tokens or 0,
        "output_image": usage.output_image_tokens or 0,
    }
    return _separate(parts, card)


def _separate(parts: Mapping[str, int], card: RateCard) -> dict[str, int]:
    return {kind: count for kind, count in parts.items() if card.separate(kind)}


def _audio_is_mixed(usage: Usage, card: RateCard) -> bool:
    """Audio at its own rate and cache reads, and no word on how much of the one is in the other."""
    return bool(
        usage.cache_audio_read_tokens is None
        and usage.input_audio_tokens
        and usage.cache_read_tokens
        and card.separate("input_audio")
        and card.separate("cache_read")
    )
