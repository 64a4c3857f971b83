"""What a refused call is told: which rule, and what is left to do. Of no counter does it say what others used."""

from math import ceil

from midwatch_core.governing.money import usd_of
from midwatch_core.governing.reservation import Ruling
from midwatch_core.governing.settings import BudgetRule, LimitRule
from midwatch_core.metering import Bucket, Demand, Window
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.wire.refusal import Refusal

POLICY = "limits"
LIMITED = "rate_limit_exceeded"
SPENT = "budget_exceeded"
AWAY = "limits_unavailable"
_AWAY = "Midwatch can't count this call against its limits now, and is told to refuse it then."
_TOO_MUCH = "It allows less than this call may use: shorten it, or set a smaller maximum of output."
_MS = 1000


def refusal_of(ruling: Ruling, call_id: str) -> Refusal:
    """The refusal of a call, or of the rest of its answer. Raises ValueError for a ruling that grants."""
    rule = ruling.refused.rule if ruling.refused is not None else None
    if ruling.granted:
        raise ValueError("nothing was refused")
    waits = ruling.retry_after_s > 0
    return Refusal(
        status=503 if rule is None else 429,
        code=AWAY if rule is None else SPENT if isinstance(rule, BudgetRule) else LIMITED,
        message=f"{reason_of(ruling)} Request id: {call_id}",
        request_id=call_id,
        retry_after_s=ceil(ruling.retry_after_s) if waits else None,
        retry_after_ms=ceil(ruling.retry_after_s * _MS) if waits else None,
        # A client that tries again at once would only be refused again.
        retry=rule is None or (waits and not isinstance(rule, BudgetRule)),
    )


def verdict_of(ruling: Ruling, action: Action) -> Verdict:
    """What stands in the record of the call."""
    line = ruling.refused.rule.id if ruling.refused is not None else None
    return Verdict(action=action, policy=POLICY, policy_line=line, reason=reason_of(ruling))


def reason_of(ruling: Ruling) -> str:
    """The rule and what is left to do, as sentences."""
    if ruling.refused is None or ruling.demand is None:
        return _AWAY
    rule, demand = ruling.refused.rule, ruling.demand
    if isinstance(rule, BudgetRule):
        return _of_budget(rule, demand, ruling.retry_after_s)
    name = f"Midwatch's limit {rule.id} ({_allows(rule, demand)})"
    if ruling.retry_after_s <= 0:
        return f"{name} has no room for this call. {_TOO_MUCH}"
    return f"{name} has no room for this call now. Try again in {_seconds(ruling.retry_after_s)}."


def _of_budget(rule: BudgetRule, demand: Demand, retry_after_s: float) -> str:
    name = f"Midwatch's budget {rule.id} ({rule.usd:f} US dollars a {rule.period})"
    cost = f"which may cost up to {usd_of(demand.amount):.6f} US dollars"
    if retry_after_s <= 0:
        return f"{name} has no room for this call, {cost}. {_TOO_MUCH}"
    return f"{name} has no room for this call, {cost}, before the {rule.period} ends, in {_seconds(retry_after_s)}."


def _allows(rule: LimitRule, demand: Demand) -> str:
    meter = demand.meter
    if isinstance(meter, Bucket):
        return f"{meter.rate_per_s:g} requests a second, {meter.burst} at once"
    if isinstance(meter, Window):
        allowed = f"{rule.tokens} tokens" if rule.tokens is not None else f"{rule.usd:f} US dollars"
        return f"{allowed} in {meter.window_s:g} seconds"
    return f"{meter.limit} calls at once"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} seconds" if seconds < 10 else f"{ceil(seconds)} seconds"
