# ruff: noqa: D102  # a test's name is its documentation
"""Sums that a TraceRepository keeps are those of its rows, whatever came and went: part of TraceRepositoryContract."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from midwatch_core.cost_rows import CostSum, highest_first
from midwatch_core.listing import ExchangeRow
from midwatch_core.model.cost import CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.ports import COST_KEYS, CostRow, ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import make_cost, make_exchange

_MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
_COSTS = ("0.1", "0.000000000001", "12.3400000000000000001", "-0.05", "99999.123456789012", None)
_VALUES: dict[str, tuple[Any, ...]] = {
    "tenant": ("acme", "default", "other"),
    "model": ("big", "small"),
    "app": ("mail", None),
    "agent": ("coder", "planner", None),
    "key_id": ("k1", "k2", None),
    "user": ("ada", "bob", None),
    "client": ("::1", "10.0.0.1"),
    "status": (200, 503),
}
_PERIODS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00"}


def _moment(chance: random.Random) -> datetime:
    """Around midnights and whole hours, a day long, and before 1970."""
    beginning = chance.choice([_MIDNIGHT, _MIDNIGHT, datetime(1969, 12, 31, tzinfo=UTC)])
    edge = timedelta(microseconds=chance.choice([0, 0, -1, 1, chance.randrange(10**10)]))
    return beginning + timedelta(hours=chance.randrange(50)) + edge


def _exchange(chance: random.Random) -> Exchange:
    value = {name: chance.choice(values) for name, values in _VALUES.items()}
    amount, basis = chance.choice(_COSTS), chance.choice(list(CostBasis))
    made = make_exchange(
        tenant=value["tenant"],
        model=value["model"],
        status=value.pop("status"),
        started_at=_moment(chance),
        cost=replace(make_cost(amount), basis=basis) if amount is not None else None,
    )
    if chance.random() < 0.2:
        made = replace(made, response=None)
    del value["model"]
    return replace(made, identity=Identity(**value))


def _filter(chance: random.Random) -> ExchangeFilter:
    names = chance.sample(list(_VALUES), chance.choice([0, 0, 1, 1, 2]))
    wanted = ExchangeFilter(
        **{name: chance.choice([one for one in _VALUES[name] if one is not None]) for name in names}
    )
    since = _moment(chance) if chance.random() < 0.5 else None
    until = _moment(chance) if chance.random() < 0.5 else None
    return replace(wanted, since=since, until=until)


def _group(row: ExchangeRow, by: Sequence[str]) -> tuple[str | None, ...]:
    moment = row.started_at.astimezone(UTC)
    return tuple(moment.strftime(_PERIODS[key]) if key in _PERIODS else getattr(row, key) for key in by)


def _summed(rows: Sequence[ExchangeRow], by: Sequence[str]) -> list[CostRow]:
    """The sums of rows, added up one by one."""
    sums: dict[tuple[str | None, ...], CostSum] = {}
    for row in rows:
        total = sums.setdefault(_group(row, by), CostSum())
        total.calls += 1
        total.input_tokens += row.input_tokens or 0
        total.output_tokens += row.output_tokens or 0
        total.unpriced += row.cost_usd is None
        if row.cost_usd is not None:
            total.add_cost(row.cost_usd)
    return highest_first(total.row(group) for group, total in sums.items())


class TraceSumsContract:
    """Costs against the rows listed, after random puts and deletes."""

    pytestmark = pytest.mark.asyncio

    @pytest.mark.parametrize("seed", range(2))
    async def test_sums_are_those_of_the_rows(self, repository: TraceRepository, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # no secret
        kept: list[Exchange] = []
        for _ in range(4):
            kept += (new := [_exchange(chance) for _ in range(40)])
            await repository.put(new)
            await repository.put(chance.sample(kept, 10))  # those that are gone come back
            await self.same_sums(repository, chance)
            scope = Scope(tenants=frozenset({"acme", "other"})) if chance.random() < 0.3 else Scope()
            await repository.delete(scope, _filter(chance))
            await self.same_sums(repository, chance)
        await repository.delete(Scope(), ExchangeFilter())
        assert list(await repository.costs(Scope(), ExchangeFilter(), by=[])) == []

    async def same_sums(self, repository: TraceRepository, chance: random.Random) -> None:
        """Ask for some sums, and add up the rows."""
        for _ in range(12):
            wanted, by = _filter(chance), chance.sample(COST_KEYS, chance.choice([0, 1, 1, 2, 3]))
            scope = Scope(tenants=frozenset({"acme"})) if chance.random() < 0.2 else Scope()
            page = await repository.list(scope, wanted, limit=1000)
            assert page.cursor is None
            assert list(await repository.costs(scope, wanted, by=by)) == _summed(page.rows, by), (wanted, by)
