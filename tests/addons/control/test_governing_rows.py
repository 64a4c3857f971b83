"""Limits and budgets as faces show them: by the record, within the caller's tenants, and what workers would count."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from midwatch.control.governing_rows import GoverningRows
from midwatch.control.spent import Spent
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.config import Config
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.governing.settings import BudgetRule, LimitRule
from midwatch_core.metrics import Sample
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_memory.traces import MemoryTraces
from tests.addons.control.test_spent import call

NOW = datetime(2026, 11, 16, tzinfo=UTC)  # the middle of November
ACME = Caller(name="acme", role=AccessRole.VIEWER, tenant="acme")


class Clock:
    """A moment."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


def of(tenant: str, usd: str | None = "1", at: datetime = NOW - timedelta(hours=1), **changes: Any) -> Exchange:
    """A call of a tenant that cost so much."""
    made = replace(call(usd, started_at=at, **changes))
    return replace(made, identity=replace(made.identity, tenant=tenant))


async def rows_of(
    calls: Iterable[Exchange],
    budgets: Sequence[BudgetRule] = (),
    *,
    limits: Sequence[LimitRule] = (),
    samples: Sequence[Sample] = (),
    now: datetime = NOW,
) -> GoverningRows:
    traces = MemoryTraces()
    await traces.start()
    await traces.put(list(calls))
    return GoverningRows(
        config=lambda: Config(limits=tuple(limits), budgets=tuple(budgets)),
        tenants=lambda: ["acme", "lab"],
        traces=traces,
        samples=lambda: list(samples),
        clock=Clock(now),
    )


async def test_a_budget_has_a_row_for_each_tenant_also_one_that_spent_nothing() -> None:
    rows = await rows_of([of("acme", "3"), of("gone", "1")], [BudgetRule(id="monthly", usd=Decimal(10))])
    told = await rows.budgets(LOCAL)
    assert [(row["tenant"], row["spent_usd"], row["share"]) for row in told] == [
        ("acme", 3.0, 0.3),
        ("gone", 1.0, 0.1),
        ("lab", 0.0, 0.0),
    ]
    assert {(row["since"], row["until"]) for row in told} == {
        ("2026-11-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00")
    }


async def test_only_the_period_counts_and_a_straight_line_tells_its_end() -> None:
    before = of("acme", "7", at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    rows = await rows_of([of("acme", "3"), before], [BudgetRule(id="b", usd=Decimal(5))])
    (row,) = await rows.budgets(ACME)
    assert (row["spent_usd"], row["projected_usd"]) == (3.0, 6.0)


async def test_early_in_a_period_nothing_is_foretold() -> None:
    now = datetime(2026, 11, 1, 10, tzinfo=UTC)
    rows = await rows_of([of("acme", at=now - timedelta(hours=1))], [BudgetRule(id="b", usd=Decimal(5))], now=now)
    (row,) = await rows.budgets(ACME)
    assert (row["spent_usd"], row["projected_usd"]) == (1.0, None)


@pytest.mark.parametrize("role", AccessRole)
async def test_a_tenant_s_caller_learns_of_its_own_alone(role: AccessRole) -> None:
    budgets = [
        BudgetRule(id="all", usd=Decimal(5)),
        BudgetRule(id="both", usd=Decimal(5), tenants=("acme", "lab")),
        BudgetRule(id="theirs", usd=Decimal(5), tenants=("lab",)),
    ]
    limits = [LimitRule(id="l", concurrent=1), LimitRule(id="theirs-too", concurrent=1, tenants=("lab",))]
    samples = [Sample(name="midwatch_limited_total", labels=("l",), values=(4.0,))]
    rows = await rows_of([of("acme"), of("lab", "4")], budgets, limits=limits, samples=samples)
    caller = Caller(name="k", role=role, tenant="acme")
    if role is AccessRole.CLIENT:
        with pytest.raises(AccessDeniedError):
            rows.limits(caller)
        with pytest.raises(AccessDeniedError):
            await rows.budgets(caller)
        return
    told = await rows.budgets(caller)
    assert [(row["id"], row["tenant"], row["tenants"], row["refused"]) for row in told] == [
        ("all", "acme", [], None),
        ("both", "acme", ["acme"], None),
    ]
    assert [(row["id"], row["refused"]) for row in rows.limits(caller)] == [("l", None)]
    assert [(row["id"], row["refused"]) for row in rows.limits(LOCAL)] == [("l", 4), ("theirs-too", 0)]


async def test_counters_of_agents_are_apart_and_the_dearest_hundred_are_told() -> None:
    calls = [of("acme", f"0.{number:03d}", agent=f"a{number}") for number in range(1, 131)]
    rows = await rows_of(calls, [BudgetRule(id="b", usd=Decimal(5), per=("agent",))])
    told = await rows.budgets(ACME)
    assert len(told) == 100
    assert {row["counters"] for row in told} == {130}
    assert told[0]["values"] == {"agent": "a130"}


RULES = [
    {},
    {"per": ["agent"]},
    {"per": ["key", "model"]},
    {"agents": ["a"]},
    {"providers": ["openai"]},
    {"count_subscriptions": True},
    {"assumed_usd_per_million_tokens": 5},
]


@pytest.mark.parametrize("rule", RULES, ids=str)
async def test_what_is_told_is_what_a_worker_s_counter_would_begin_with(rule: dict[str, Any]) -> None:
    made = BudgetRule.model_validate({"id": "b", "usd": 50, **rule})
    calls = [
        of("acme", "0.5", agent="a", key_id="k1"),
        of("acme", "0.25", agent="b"),
        of("acme", None, tokens=1_000_000, agent="a"),
        of("acme", None, tokens=None),
        subscribed("acme"),
    ]
    rows = await rows_of(calls, [made])
    spent = Spent(traces=rows.traces, caught_up=_caught_up)
    told = await rows.budgets(ACME)
    assert told
    for row in told:
        values: Any = row["values"]
        since = datetime(2026, 11, 1, tzinfo=UTC)
        seed = BudgetSeed(rule=made, tenant="acme", values=tuple(values.items()), since=since)
        assert row["spent_usd"] == pytest.approx(await spent.nano(seed) / 1e9)


def subscribed(tenant: str) -> Exchange:
    """A call that a subscription paid for."""
    made = of(tenant, "9", agent="a")
    return replace(made, cost=replace(made.cost or Cost(), basis=CostBasis.API_EQUIVALENT))


async def _caught_up(timeout_s: float) -> bool:
    return True
