"""Which limits and budgets concern a call, and which counters of theirs: from settings to demands."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import orjson

from midwatch_core.errors import ConfigError
from midwatch_core.governing.money import nano_of
from midwatch_core.governing.naming import counter_name
from midwatch_core.governing.periods import span_at
from midwatch_core.governing.settings import BudgetRule, LimitRule, Per, Period
from midwatch_core.metering import Allowance, Bucket, Concurrency, Demand, Meter, Window
from midwatch_core.model.exchange import Exchange

_KINDS = ("requests_per_s", "tokens", "usd", "concurrent")
# What a rule allows, and what an unpriced call is taken to cost, may change without its counters beginning anew.
_AMOUNTS = frozenset({*_KINDS, "id", "burst", "hard", "assumed_usd_per_million_tokens"})
_DIGEST_BYTES = 4
_HOUR_S = 3600
# Agents, users and models are named by clients: what is remembered must not grow with their fancy.
_MAX_REMEMBERED = 4096
_LIMIT_ASSUMES = BudgetRule.model_fields["assumed_usd_per_million_tokens"].default


class Measure(Enum):
    """What a counter counts of a call."""

    CALLS = "calls"
    TOKENS = "tokens"
    NANO_USD = "nano_usd"


class CallKeys(NamedTuple):
    """By what rules tell calls apart.

    `model` is the name asked for, as `model_key` gives it. `subscription` where a flat fee pays for the call.
    """

    tenant: str
    key: str | None
    agent: str | None
    user: str | None
    app: str | None
    model: str | None
    provider: str
    subscription: bool = False


def keys_of(exchange: Exchange) -> CallKeys:
    """The keys of a call, by its request."""
    who, endpoint = exchange.identity, exchange.endpoint
    model = model_key(exchange.request.model)
    return CallKeys(
        who.tenant, who.key_id, who.agent, who.user, who.app, model, endpoint.provider, endpoint.subscription
    )


def model_key(name: str | None) -> str | None:
    """A model's name without what changes nothing about the model: its case, and Google's path before it."""
    if not name:
        return None
    name = name.lower()
    return name.rpartition("models/")[2] if name.startswith(("models/", "publishers/")) else name


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCounter:
    """One counter of one rule.

    `assumed_nano_per_m` is what a million tokens are taken to cost, in nano-dollars, where a call has no known price.
    `allows` is what a budget allows, in nano-dollars; its `meter` is None, for each period has one of its own. `fixed`
    is the demand, where it is the same for every call.
    """

    rule: LimitRule | BudgetRule
    measure: Measure
    tenant: str
    name: str
    values: tuple[tuple[Per, str | None], ...]
    assumed_nano_per_m: int
    allows: int = 0
    meter: Meter | None = None
    fixed: Demand | None = None

    @property
    def hard(self) -> bool:
        """Whether it can refuse."""
        return not isinstance(self.rule, BudgetRule) or self.rule.hard

    def demand(self, amount: int, now_s: float) -> Demand:
        """What a call that starts now asks of it."""
        if self.fixed is not None:
            return self.fixed
        if self.meter is not None:
            return Demand(name=self.name, amount=amount, meter=self.meter)
        assert isinstance(self.rule, BudgetRule)
        meter = _allowance(self.rule.period, self.allows, now_s // _HOUR_S)
        return Demand(name=self.name, amount=amount, meter=meter, hard=self.hard)


class RuleCounters(NamedTuple):
    """All counters of a call, and whether any of them needs to know its size or its price beforehand.

    `settled`: there is something to settle at its end. `demands` are the demands, where they are the same for every
    call.
    """

    all: tuple[RuleCounter, ...]
    sized: bool
    priced: bool
    settled: bool
    demands: tuple[Demand, ...] | None


NONE = RuleCounters(all=(), sized=False, priced=False, settled=False, demands=())
"""What a call has that no rule concerns."""


class Rules:
    """The rules of an installation. Knows nothing of what was used."""

    def __init__(self, limits: Iterable[LimitRule], budgets: Iterable[BudgetRule]) -> None:
        """Raises ConfigError where two limits, or two budgets, have one id."""
        rules: list[LimitRule | BudgetRule] = [*_distinct("limits", limits), *_distinct("budgets", budgets)]
        self._rules = tuple((rule, digest_of(rule)) for rule in rules)
        self._remembered: dict[CallKeys, RuleCounters] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def prices(self) -> bool:
        """Whether any rule is about money."""
        return any(rule.usd is not None for rule, _ in self._rules)

    def counters_of(self, opened: Exchange) -> RuleCounters:
        """The counters of a call, by its request."""
        return self.counters(keys_of(opened))

    def counters(self, keys: CallKeys) -> RuleCounters:
        """The counters of a call, in the order of the configuration."""
        found = self._remembered.get(keys)
        if found is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            made = tuple(_counter(rule, digest, keys) for rule, digest in self._rules if concerns(rule, keys))
            sized = any(item.measure is not Measure.CALLS for item in made)
            priced = any(item.measure is Measure.NANO_USD for item in made)
            demands = None if sized else tuple(item.demand(1, 0) for item in made)
            settled = any(not isinstance(item.meter, Bucket) for item in made)
            found = self._remembered[keys] = RuleCounters(made, sized, priced, settled, demands)
        return found


def concerns(rule: LimitRule | BudgetRule, keys: CallKeys) -> bool:
    """Whether a rule is about such a call. One that names no model may be any model's: rules of models concern it."""
    return (
        (not rule.tenants or keys.tenant in rule.tenants)
        and (not rule.agents or keys.agent in rule.agents)
        and (not rule.providers or keys.provider in rule.providers)
        and (not rule.models or keys.model is None or any(_is_named(keys.model, name) for name in rule.models))
        and (not keys.subscription or rule.usd is None or rule.count_subscriptions)
    )


def values_of(rule: LimitRule | BudgetRule, keys: CallKeys) -> tuple[tuple[Per, str | None], ...]:
    """What divides the rule's counters beyond the tenant, and what it is for such a call."""
    return tuple((name, getattr(keys, name)) for name in dict.fromkeys(rule.per) if name != "tenant")


def digest_of(rule: LimitRule | BudgetRule) -> str:
    """What a rule counts, as a short word: a rule that comes to count something else begins with new counters."""
    counts = {key: value for key, value in rule.model_dump(mode="json").items() if key not in _AMOUNTS}
    kind = [key for key in _KINDS if getattr(rule, key, None) is not None]
    written = orjson.dumps([type(rule).__name__, sorted(kind), counts], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(written, digest_size=_DIGEST_BYTES).hexdigest()


def _distinct[R: LimitRule | BudgetRule](where: str, rules: Iterable[R]) -> list[R]:
    found: dict[str, R] = {}
    for rule in rules:
        if found.setdefault(rule.id, rule) is not rule:
            raise ConfigError(f"{where}: the id {rule.id!r} is given twice; each needs an id of its own")
    return list(found.values())


def _is_named(model: str, name: str) -> bool:
    name = name.lower()
    return model.startswith(name[:-1]) if name.endswith("*") else model == name


def _counter(rule: LimitRule | BudgetRule, digest: str, keys: CallKeys) -> RuleCounter:
    values = values_of(rule, keys)
    name = counter_name(keys.tenant, (rule.id, digest), values)
    meter, measure = _meter(rule)
    assumed = rule.assumed_usd_per_million_tokens if isinstance(rule, BudgetRule) else _LIMIT_ASSUMES
    return RuleCounter(
        rule=rule,
        measure=measure,
        tenant=keys.tenant,
        name=name,
        values=values,
        assumed_nano_per_m=nano_of(assumed),
        allows=nano_of(rule.usd) if isinstance(rule, BudgetRule) else 0,
        meter=meter,
        fixed=Demand(name=name, amount=1, meter=meter) if meter is not None and measure is Measure.CALLS else None,
    )


@lru_cache(maxsize=256)
def _allowance(period: Period, nano: int, hour: float) -> Allowance:
    """A budget's meter in this hour since 1970: every period begins and ends with one."""
    return Allowance(limit=nano, ends_s=span_at(period, hour * _HOUR_S).ends_s)


def _meter(rule: LimitRule | BudgetRule) -> tuple[Meter | None, Measure]:
    """A budget's meter is made anew for each period."""
    if isinstance(rule, BudgetRule):
        return None, Measure.NANO_USD
    if rule.requests_per_s is not None:
        burst = rule.burst or max(1, ceil(rule.requests_per_s))
        return Bucket(rate_per_s=rule.requests_per_s, burst=burst), Measure.CALLS
    if rule.concurrent is not None:
        return Concurrency(limit=rule.concurrent), Measure.CALLS
    if rule.tokens is not None:
        return Window(limit=rule.tokens, window_s=rule.window_s), Measure.TOKENS
    assert rule.usd is not None
    return Window(limit=nano_of(rule.usd), window_s=rule.window_s), Measure.NANO_USD
