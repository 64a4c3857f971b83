"""From exchanges to measurements: the numbers of a call that are watched."""

from dataclasses import dataclass

from midwatch_core import Action, CostBasis, Exchange, Usage

# Findings of this plugin are left out of the findings that it watches.
CATEGORY = "anomaly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one call, or several of one tenant, model, agent and key, come to. All numbers are sums.

    `errors` and `findings` count calls that had any. `latency_ms` is the sum over `timed` calls, `ttft_ms` that over
    `first_timed`.
    """

    tenant: str
    model: str | None = None
    agent: str | None = None
    key: str | None = None
    calls: int = 1
    errors: int = 0
    findings: int = 0
    cost_usd: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    latency_ms: float = 0.0
    timed: int = 0
    ttft_ms: float = 0.0
    first_timed: int = 0

    def numbers(self) -> tuple[float, ...]:
        """The sums in the order of `metrics_watched.FIELDS`."""
        return (
            self.calls,
            self.errors,
            self.findings,
            self.cost_usd,
            self.input_tokens,
            self.output_tokens,
            self.latency_ms,
            self.timed,
            self.ttft_ms,
            self.first_timed,
        )


def measured(exchange: Exchange) -> Measurement:
    """The numbers of one call. Times are those of calls that succeeded; what a subscription paid for costs nothing.

    Calls that policy refused, and those whose client went away, are no errors of anybody's.
    """
    failed = _failed(exchange)
    usage = (exchange.response.usage if exchange.response else None) or Usage()
    took_ms, first_ms = (None, None) if failed else (exchange.timing.duration_ms, exchange.timing.ttft_ms)
    return Measurement(
        tenant=exchange.identity.tenant,
        model=exchange.model,
        agent=exchange.identity.agent,
        key=exchange.identity.key_id,
        errors=int(failed),
        findings=int(any(finding.category != CATEGORY for finding in exchange.findings)),
        cost_usd=_cost_usd(exchange),
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        latency_ms=took_ms or 0.0,
        timed=int(took_ms is not None),
        ttft_ms=first_ms or 0.0,
        first_timed=int(first_ms is not None),
    )


def _failed(exchange: Exchange) -> bool:
    if exchange.action is Action.BLOCK or (exchange.error or "").startswith("client disconnected"):
        return False
    refused = exchange.status is None or exchange.status >= 400
    return refused or bool(exchange.error) or bool(exchange.response and exchange.response.error)


def _cost_usd(exchange: Exchange) -> float:
    cost = exchange.cost
    if cost is None or cost.amount is None or cost.basis is not CostBasis.METERED:
        return 0.0
    return float(cost.amount)
