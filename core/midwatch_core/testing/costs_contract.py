# ruff: noqa: D102  # a test's name is its documentation
"""What a TraceRepository says calls cost: part of TraceRepositoryContract."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.identity import Identity
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import BEGINNING, make_cost, make_exchange

EVERYONE = Scope()
ALL = ExchangeFilter()


class TraceCostsContract:
    """Sums of costs: exact, by group, in scope of a filter."""

    pytestmark = pytest.mark.asyncio

    async def test_costs_are_exact(self, repository: TraceRepository) -> None:
        amounts = ["0.1"] * 3 + ["0.0000000000000000001", "123456.000000000001", "-0.05", "9999999999999.25"]
        await repository.put([make_exchange(cost=make_cost(amount)) for amount in amounts])
        await repository.put([make_exchange(cost=None), make_exchange(cost=Cost(reason="unknown model"))])
        (row,) = await repository.costs(EVERYONE, ALL, by=[])
        assert row.cost_usd == Decimal("10000000123455.5000000000010000001")
        assert (row.group, row.calls, row.unpriced) == ((), 9, 2)
        assert (row.input_tokens, row.output_tokens) == (9 * 21, 9 * 4)

    async def test_costs_by_group_highest_first(self, repository: TraceRepository) -> None:
        await repository.put(
            [
                make_exchange(model="small", cost=make_cost("0.2")),
                make_exchange(model="big", cost=make_cost("5")),
                make_exchange(model="small", cost=make_cost("0.3")),
                make_exchange(model="free", identity=Identity(), response=None, cost=None),
            ]
        )
        rows = await repository.costs(EVERYONE, ALL, by=["model", "app"])
        assert [(row.group, row.calls, row.cost_usd) for row in rows] == [
            (("big", "editor"), 1, Decimal(5)),
            (("small", "editor"), 2, Decimal("0.5")),
            (("free", None), 1, Decimal(0)),
        ]
        assert (rows[2].input_tokens, rows[2].unpriced) == (0, 1)

    async def test_costs_by_key_and_user(self, repository: TraceRepository) -> None:
        people = [("k1", "ada"), ("k1", "bob"), ("k2", "ada"), ("k1", "ada"), (None, None)]
        await repository.put(
            [make_exchange(identity=Identity(key_id=key, user=user), cost=make_cost("1")) for key, user in people]
        )
        rows = await repository.costs(EVERYONE, ALL, by=["key_id", "user"])
        assert {row.group: row.calls for row in rows} == {**dict.fromkeys(people, 1), ("k1", "ada"): 2}
        (row,) = await repository.costs(EVERYONE, ExchangeFilter(user="ada"), by=[])
        assert (row.calls, row.cost_usd) == (3, Decimal(3))

    async def test_what_is_billed_and_what_a_subscription_paid_for_stay_apart(
        self, repository: TraceRepository
    ) -> None:
        billed, flat = make_cost("2"), replace(make_cost("3"), basis=CostBasis.API_EQUIVALENT)
        await repository.put([make_exchange(cost=cost) for cost in (billed, flat, flat, Cost(reason="no price"), None)])
        rows = await repository.costs(EVERYONE, ALL, by=["cost_basis"])
        assert [(row.group, row.calls, row.cost_usd) for row in rows] == [
            (("api_equivalent",), 2, Decimal(6)),
            (("metered",), 1, Decimal(2)),
            ((None,), 2, Decimal(0)),
        ]
        rows = await repository.costs(EVERYONE, ALL, by=["day", "model", "cost_basis"])
        assert sorted(row.calls for row in rows) == [1, 2, 2]
        (row,) = await repository.costs(EVERYONE, ALL, by=["model"])
        assert (row.calls, row.cost_usd) == (5, Decimal(8))

    async def test_costs_by_day_and_hour_are_utc(self, repository: TraceRepository) -> None:
        zone = (BEGINNING - timedelta(hours=9, microseconds=1)).astimezone()
        moments = [zone, BEGINNING, BEGINNING + timedelta(minutes=59), datetime(1969, 12, 31, 23, 59, tzinfo=UTC)]
        await repository.put([make_exchange(started_at=moment, cost=make_cost("1")) for moment in moments])
        rows = await repository.costs(EVERYONE, ALL, by=["day", "hour"])
        assert {row.group: row.calls for row in rows} == {
            ("1969-12-31", "1969-12-31T23:00"): 1,
            ("2026-02-28", "2026-02-28T23:00"): 1,
            ("2026-03-01", "2026-03-01T09:00"): 2,
        }

    async def test_costs_of_a_filter(self, repository: TraceRepository) -> None:
        await repository.put([make_exchange(model="a"), make_exchange(model="b"), make_exchange(tenant="x", model="a")])
        rows = await repository.costs(EVERYONE, ExchangeFilter(model="a"), by=["provider", "tenant"])
        assert sorted(row.group for row in rows) == [("openai", "default"), ("openai", "x")]
        assert list(await repository.costs(EVERYONE, ExchangeFilter(model="c"), by=["model"])) == []
