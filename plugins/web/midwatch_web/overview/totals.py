"""The strip of totals: each number of the window, and how it stands against the window before."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from midwatch_core import EXACT, ttft_quantile_ms, ttft_sum
from midwatch_web.charts.scale import percent
from midwatch_web.overview.reading import Sums
from midwatch_web.serving.formatting import count, dollars, duration

# A change by less is none.
_ALIKE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A number as people read it; `change` in words, empty where there is nothing to compare with."""

    title: str
    value: str
    change: str
    narrow: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The numbers of a window. Shares and quantiles are None without calls."""

    calls: int
    cost_usd: Decimal
    api_equivalent_usd: Decimal
    tokens: int
    error_share: float | None
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    findings: int
    refused: int


def numbers_of(sums: Sums) -> Numbers:
    """Added up over all groups."""
    calls = sum(row.calls for row in sums.activity)
    ttft = ttft_sum(row.ttft for row in sums.activity)
    return Numbers(
        calls=calls,
        cost_usd=_money([row.cost_usd for row in sums.costs]),
        api_equivalent_usd=_money([row.api_equivalent_usd for row in sums.costs]),
        tokens=sum(row.input_tokens + row.output_tokens for row in sums.costs),
        error_share=sum(row.errors for row in sums.activity) / calls if calls else None,
        ttft_p50_ms=ttft_quantile_ms(ttft, 0.5),
        ttft_p95_ms=ttft_quantile_ms(ttft, 0.95),
        findings=sum(item.findings for item in sums.findings),
        refused=sum(row.refused for row in sums.activity),
    )


def totals_of(now: Numbers, before: Numbers | None) -> list[Total]:
    """The strip, in its order. What a subscription paid for is there only where there is any."""
    then = before

    def total(title: str, name: str, value: str, narrow: str | None = None) -> Total:
        earlier = None if then is None else getattr(then, name)
        return Total(title=title, value=value, change=change(getattr(now, name), earlier), narrow=narrow)

    errors = "–" if now.error_share is None else percent(now.error_share)
    strip = [
        total("Calls", "calls", count(now.calls)),
        total("Cost", "cost_usd", dollars(_cents(now.cost_usd))),
        total("API-equivalent", "api_equivalent_usd", f"≈ {dollars(_cents(now.api_equivalent_usd))}"),
        total("Tokens", "tokens", count(now.tokens)),
        total("Errors", "error_share", errors, "errors"),
        total("First token, median", "ttft_p50_ms", duration(now.ttft_p50_ms)),
        total("First token, p95", "ttft_p95_ms", duration(now.ttft_p95_ms)),
        total("Findings", "findings", count(now.findings)),
        total("Refused", "refused", count(now.refused), "refused"),
    ]
    subscribed = now.api_equivalent_usd or (then is not None and then.api_equivalent_usd)
    return [item for item in strip if subscribed or item.title != "API-equivalent"]


def change(now: float | Decimal | None, before: float | Decimal | None) -> str:
    """A number against an earlier one: `12 % more`, `as before`, `none before`; empty where one is not known."""
    if now is None or before is None:
        return ""
    if not before:
        return "none before" if now else "as before"
    part = (float(now) - float(before)) / float(before)
    if abs(part) < _ALIKE:
        return "as before"
    if part >= 2:
        return f"{part + 1:,.3g} times as much" if part < 999 else "far more"
    return f"{abs(part) * 100:.0f} % {'more' if part > 0 else 'less'}"


def _money(amounts: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def _cents(amount: Decimal) -> Decimal:
    """Whole cents, where an amount has any to speak of."""
    return round(amount, 2) if amount >= 1 else amount
