"""Budgets that reach half, four fifths and all of what they allow: told once each, for metrics and alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from midwatch_core.governing.periods import span_at
from midwatch_core.governing.rules import RuleCounter
from midwatch_core.governing.settings import BudgetRule
from midwatch_core.metering import Allowance, Demand

LEVELS = (50, 80, 100)
_AS_GOOD_AS_SPENT = 80
# Tenants, keys and agents times rules.
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A budget's counter passed `percent` of its limit, what calls under way have reserved included.

    A hard one never gets to 100: that is told of when a call is refused and most is spent. `values` are those of the
    rule's `per`, None where a call has none. Each worker tells once for each period.
    """

    rule: BudgetRule
    tenant: str
    values: tuple[tuple[str, str | None], ...]
    percent: int
    ends: datetime


class Crossings:
    """Remembers what was told."""

    def __init__(self, tell: Callable[[Crossing], None]) -> None:
        self._tell = tell
        self._told: set[tuple[str, float, int]] = set()

    def reached(self, counter: RuleCounter, demand: Demand, used: int) -> None:
        """A budget's counter stands at `used` now."""
        if not isinstance(demand.meter, Allowance) or not isinstance(counter.rule, BudgetRule):
            return
        for percent in LEVELS:
            if used * 100 >= demand.meter.limit * percent:
                self._reach(counter, counter.rule, demand.name, demand.meter.ends_s, percent)

    def refused(self, counter: RuleCounter, demand: Demand, used: int) -> None:
        """A call was refused where a counter stands at `used`."""
        if isinstance(demand.meter, Allowance):
            limit = demand.meter.limit
            self.reached(counter, demand, limit if used * 100 >= limit * _AS_GOOD_AS_SPENT else used)

    def _reach(self, counter: RuleCounter, rule: BudgetRule, name: str, ends_s: float, percent: int) -> None:
        key = (name, ends_s, percent)
        if key in self._told:
            return
        if len(self._told) >= _MAX_REMEMBERED:
            self._told.clear()
        self._told.add(key)
        ends = span_at(rule.period, ends_s - 1).ends
        self._tell(Crossing(rule=rule, tenant=counter.tenant, values=counter.values, percent=percent, ends=ends))
