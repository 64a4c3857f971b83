"""What a budget's counter begins with: the question about it, as one process asks another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from midwatch_core.governing.periods import span_at
from midwatch_core.governing.rules import CallKeys, RuleCounter, concerns, values_of
from midwatch_core.governing.settings import BudgetRule, Per


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSeed:
    """How much did the calls of a tenant that a budget concerns cost since `since`? `values` are those of its `per`."""

    rule: BudgetRule
    tenant: str
    values: tuple[tuple[Per, str | None], ...]
    since: datetime

    def concerns(self, keys: CallKeys) -> bool:
        """Whether a call with these keys counts."""
        return concerns(self.rule, keys) and values_of(self.rule, keys) == self.values

    def as_json(self) -> dict[str, Any]:
        """The question as JSON values."""
        return {
            "rule": self.rule.model_dump(mode="json"),
            "tenant": self.tenant,
            "values": dict(self.values),
            "since": self.since.isoformat(),
        }


def seed_of(counter: RuleCounter, now_s: float) -> BudgetSeed:
    """The question about a budget's counter in the period of this moment."""
    assert isinstance(counter.rule, BudgetRule)
    since = span_at(counter.rule.period, now_s).begins
    return BudgetSeed(rule=counter.rule, tenant=counter.tenant, values=counter.values, since=since)


def seed_from_json(question: Mapping[str, Any]) -> BudgetSeed:
    """The question from JSON values. Raises KeyError, TypeError or ValueError where it is none."""
    since = datetime.fromisoformat(question["since"])
    if since.tzinfo is None:
        raise ValueError("since: a moment needs its offset from UTC")
    values = question["values"].items()
    return BudgetSeed(
        rule=BudgetRule.model_validate(question["rule"]),
        tenant=str(question["tenant"]),
        values=tuple((cast(Per, str(name)), None if value is None else str(value)) for name, value in values),
        since=since.astimezone(UTC),
    )
