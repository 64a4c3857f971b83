"""What a told call may not say: numbers that are none, or that no store could add up."""

import math
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal

from midwatch_core.intake import IntakeError, PlainCall, ToldCall
from midwatch_core.model.timing import Timing
from midwatch_core.model.usage import Usage

# A hundred days; more tokens than any model reads; more dollars than any call costs.
_MOST_MS = 100 * 24 * 3_600_000.0
_MOST_COUNT = 10**12
_MOST_USD = Decimal(10**9)
# Kinds of fees in one call.
_MOST_FEES = 100
# Of a cost: finer ones can't be summed exactly (10^-12 dollars).
_DECIMALS = 12


def check_numbers(call: ToldCall) -> None:
    """Raises IntakeError naming the field."""
    if call.status is not None and not 100 <= call.status <= 599:
        raise IntakeError("status: not an HTTP status")
    _check_timing(call.timing)
    if isinstance(call, PlainCall):
        _check_cost(call.cost_usd)
        if call.usage is not None:
            _check_usage(call.usage)


def _check_timing(timing: Timing) -> None:
    _check_ms("ttft_ms", timing.ttft_ms)
    _check_ms("duration_ms", timing.duration_ms)
    if timing.gaps is not None:
        _check_count("gaps.count", timing.gaps.count)
        for name in ("mean_ms", "p50_ms", "p95_ms", "max_ms"):
            _check_ms(f"gaps.{name}", getattr(timing.gaps, name))


def _check_ms(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= _MOST_MS):
        raise IntakeError(f"{name}: not between 0 and {_MOST_MS:.0f} milliseconds")


def _check_cost(cost: Decimal | None) -> None:
    if cost is None:
        return
    if not cost.is_finite() or not 0 <= cost <= _MOST_USD:
        raise IntakeError(f"cost_usd: not between 0 and {_MOST_USD:,} dollars")


def _check_usage(usage: Usage) -> None:
    if len(usage.tool_fees) > _MOST_FEES:
        raise IntakeError(f"usage.tool_fees: more than {_MOST_FEES}")
    for name, value in _counts(usage):
        _check_count(f"usage.{name}", value)


def _counts(usage: Usage) -> Iterable[tuple[str, int]]:
    for field in fields(usage):
        value = getattr(usage, field.name)
        if isinstance(value, int):
            yield field.name, value
    yield from ((f"tool_fees.{name[:40]}", count) for name, count in usage.tool_fees.items())


def _check_count(name: str, value: int) -> None:
    if not 0 <= value <= _MOST_COUNT:
        raise IntakeError(f"{name}: not between 0 and {_MOST_COUNT:,}")


def rounded(cost: Decimal) -> Decimal:
    """A checked cost to as many decimals as can be summed exactly."""
    return round(cost, _DECIMALS).normalize() + 0
