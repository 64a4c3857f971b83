"""Limits and budgets as faces show them: the rules of the configuration, what they refused, what the record says.

Workers' counters are not asked: they hold what calls under way have reserved, and may be another node's. So a budget
may refuse a little before it is spent here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from midwatch.control.spent import assumed_rates, grouping_of, keys_of_group
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import Clock
from midwatch_core.config import Config
from midwatch_core.governing.money import nano_of, usd_of
from midwatch_core.governing.periods import Span, span_at
from midwatch_core.governing.rules import concerns, values_of
from midwatch_core.governing.settings import BudgetRule, LimitRule, Per
from midwatch_core.metrics import Sample
from midwatch_core.model.content import Json
from midwatch_core.ports import CostRow, ExchangeFilter, Scope, TraceRepository

# Counters of one budget that are told of, those that spent most: clients name agents and users as they like.
_MOST = 100
# Before so much of a period has passed, a straight line through it tells nothing.
_EARLY = 0.02
_REFUSED = "midwatch_limited_total"

type _Counter = tuple[str, tuple[tuple[Per, str | None], ...]]


@dataclass(slots=True)
class _Used:
    """What the calls of one counter have cost in the period."""

    nano: int = 0
    calls: int = 0
    unpriced: int = 0

    def add(self, row: CostRow, rule: BudgetRule) -> None:
        """Add a group. One without any price counts by its tokens, as the workers' counters do.

        Billed calls without a price have no basis, so they are a group of their own. Those of a subscription, and
        those kept before there was a basis, may be in one with priced calls: then nothing is assumed of them here.
        """
        self.nano += nano_of(row.cost_usd)
        self.calls += row.calls
        self.unpriced += row.unpriced
        if row.unpriced == row.calls:
            self.nano += assumed_rates(rule).nano(row.input_tokens, row.output_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoverningRows:
    """The part of `Installation` that is limits and budgets. Names in rows are stable: add, never rename.

    `config` gives the configuration in use, `tenants` the names of those there are, `samples` all processes' metrics.
    """

    config: Callable[[], Config]
    tenants: Callable[[], Iterable[str]]
    traces: TraceRepository
    samples: Callable[[], list[Sample]]
    clock: Clock

    def limits(self, caller: Caller) -> list[dict[str, Json]]:
        """The limits that hold for the caller's tenants, in the order of the configuration.

        `refused` counts since Midwatch began; it is of all tenants, so None for callers of one. AccessDeniedError.
        """
        _check_reads(caller)
        refused = None if caller.tenant is not None else self._refused()
        return [_limit_row(rule, caller, refused) for rule in self.config().limits if _holds(rule, caller)]

    async def budgets(self, caller: Caller) -> list[dict[str, Json]]:
        """A row for each counter of each budget, at most 100 of one, those that spent most first.

        A tenant that spent nothing yet has a row without `values`. AccessDeniedError, StorageError.
        """
        _check_reads(caller)
        refused = None if caller.tenant is not None else self._refused()
        rows: list[dict[str, Json]] = []
        for rule in self.config().budgets:
            if _holds(rule, caller):
                rows += await self._budget(rule, caller, refused)
        return rows

    async def _budget(
        self, rule: BudgetRule, caller: Caller, refused: Mapping[str, int] | None
    ) -> list[dict[str, Json]]:
        now = self.clock.now()
        span = span_at(rule.period, now.timestamp())
        used = await self._used(rule, caller.scope, span.begins)
        spending = {tenant for tenant, _ in used}
        for tenant in self.tenants():
            if tenant not in spending and caller.scope.allows(tenant) and (not rule.tenants or tenant in rule.tenants):
                used[tenant, ()] = _Used()
        most = sorted(used.items(), key=lambda item: (-item[1].nano, item[0][0]))[:_MOST]
        shared = {**_rule_row(rule, caller), **_period_row(rule, span), "counters": len(used)}
        shared["refused"] = None if refused is None else refused.get(rule.id, 0)
        return [{**shared, **_used_row(counter, counted, rule, span, now)} for counter, counted in most]

    async def _used(self, rule: BudgetRule, scope: Scope, since: datetime) -> dict[_Counter, _Used]:
        by = ["tenant", *grouping_of(rule, (name for name in dict.fromkeys(rule.per) if name != "tenant"))]
        used: dict[_Counter, _Used] = {}
        for row in await self.traces.costs(scope, ExchangeFilter(since=since), by=by):
            group = dict(zip(by, row.group, strict=True))
            tenant = group["tenant"] or ""
            keys = keys_of_group(tenant, group)
            if concerns(rule, keys):
                used.setdefault((tenant, values_of(rule, keys)), _Used()).add(row, rule)
        return used

    def _refused(self) -> dict[str, int]:
        """How often each rule refused a call or cut its stream."""
        return {item.labels[0]: int(item.values[0]) for item in self.samples() if item.name == _REFUSED}


def _holds(rule: LimitRule | BudgetRule, caller: Caller) -> bool:
    return not rule.tenants or any(caller.scope.allows(tenant) for tenant in rule.tenants)


def _rule_row(rule: LimitRule | BudgetRule, caller: Caller) -> dict[str, Json]:
    """What both have. Which other tenants a rule is about is not a tenant's to know."""
    return {
        "id": rule.id,
        "per": list(rule.per),
        "tenants": [tenant for tenant in rule.tenants if caller.scope.allows(tenant)],
        "models": list(rule.models),
        "agents": list(rule.agents),
        "providers": list(rule.providers),
        "count_subscriptions": rule.count_subscriptions,
    }


def _limit_row(rule: LimitRule, caller: Caller, refused: Mapping[str, int] | None) -> dict[str, Json]:
    return {
        **_rule_row(rule, caller),
        "requests_per_s": rule.requests_per_s,
        "burst": rule.burst,
        "tokens": rule.tokens,
        "usd": None if rule.usd is None else float(rule.usd),
        "window_s": rule.window_s if rule.tokens is not None or rule.usd is not None else None,
        "concurrent": rule.concurrent,
        "refused": None if refused is None else refused.get(rule.id, 0),
    }


def _period_row(rule: BudgetRule, span: Span) -> dict[str, Json]:
    return {
        "usd": float(rule.usd),
        "hard": rule.hard,
        "period": rule.period.value,
        "since": span.begins.isoformat(),
        "until": span.ends.isoformat(),
    }


def _used_row(counter: _Counter, used: _Used, rule: BudgetRule, span: Span, now: datetime) -> dict[str, Json]:
    tenant, values = counter
    passed = (now.timestamp() - span.begins_s) / (span.ends_s - span.begins_s)
    spent = float(usd_of(used.nano))
    return {
        "tenant": tenant,
        "values": dict(values),
        "spent_usd": spent,
        "share": spent / float(rule.usd),
        "projected_usd": spent / passed if passed >= _EARLY else None,
        "calls": used.calls,
        "unpriced": used.unpriced,
    }


def _check_reads(caller: Caller) -> None:
    if not caller.may(Permission.READ):
        raise AccessDeniedError(f"{caller.name} has the role {caller.role.value}, which may not read")
