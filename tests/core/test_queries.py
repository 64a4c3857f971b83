"""The query service: always inside its scope, never wider than its caller's, pages bounded."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.queries import MAX_PAGE, Queries
from midwatch_core.testing.factories import make_exchange
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces

A, B, C = (Scope(tenants=frozenset(names)) for names in ({"a"}, {"b"}, {"a", "b"}))
NOBODY = Scope(tenants=frozenset())


@pytest.fixture
async def queries() -> Queries:
    traces = MemoryTraces()
    await traces.start()
    await traces.put([make_exchange(tenant=tenant) for tenant in "aab"])
    return Queries(traces=traces)


@pytest.mark.parametrize(
    ("outer", "inner", "seen"),
    [
        (Scope(), Scope(), 3),
        (Scope(), A, 2),
        (A, Scope(), 2),
        (A, B, 0),
        (C, B, 1),
        (B, C, 1),
        (NOBODY, Scope(), 0),
    ],
)
async def test_scopes_only_narrow(queries: Queries, outer: Scope, inner: Scope, seen: int) -> None:
    narrowed = queries.within(outer).within(inner)
    page = await narrowed.exchanges(ExchangeFilter())
    assert len(page.rows) == seen
    assert sum(row.calls for row in await narrowed.costs(ExchangeFilter(), by=["tenant"])) == seen


async def test_an_exchange_of_another_tenant_is_none(queries: Queries) -> None:
    (row,) = (await queries.within(B).exchanges(ExchangeFilter())).rows
    assert await queries.within(B).exchange(row.id) is not None
    assert await queries.within(A).exchange(row.id) is None
    assert await queries.exchange("no such id") is None


@pytest.mark.parametrize("limit", [-5, 0, 1])
async def test_a_page_has_at_least_one_row(queries: Queries, limit: int) -> None:
    assert len((await queries.exchanges(ExchangeFilter(), limit=limit)).rows) == 1


async def test_a_page_has_at_most_so_many_rows() -> None:
    traces = MemoryTraces()
    await traces.start()
    await traces.put([make_exchange() for _ in range(MAX_PAGE + 1)])
    page = await Queries(traces=traces).exchanges(ExchangeFilter(), limit=10**9)
    assert len(page.rows) == MAX_PAGE
    assert page.cursor is not None


@pytest.mark.parametrize(
    ("scope", "wanted", "left"),
    [
        (A, ExchangeFilter(), "b"),
        (B, ExchangeFilter(), "aa"),
        (B, ExchangeFilter(tenant="a"), "aab"),
        (NOBODY, ExchangeFilter(), "aab"),
        (Scope(), ExchangeFilter(tenant="a"), "b"),
    ],
)
async def test_deleting_never_leaves_the_scope(
    queries: Queries, scope: Scope, wanted: ExchangeFilter, left: str
) -> None:
    assert await queries.within(scope).delete(wanted) == 3 - len(left)
    assert sorted(row.tenant for row in (await queries.exchanges(ExchangeFilter())).rows) == list(left)


AT = datetime(2026, 11, 26, tzinfo=UTC)


def sighting(host: str, tenant: str, number: int, *, known: bool = True) -> Sighting:
    at = AT + timedelta(hours=number)
    client = f"10.0.0.{number}"
    return Sighting(
        host=host, tenant=tenant, seen=Seen.SNI, known=known, client=client, first_at=at, last_at=at, connections=1
    )


@pytest.fixture
async def inventory() -> Queries:
    metadata = MemoryMetadata()
    await metadata.start()
    await metadata.sight(
        [sighting("x", "a", 1), sighting("y", "a", 2, known=False), sighting("x", "b", 3, known=False)]
    )
    return Queries(traces=MemoryTraces(), metadata=metadata, titles={"x": "The X"}.get)


async def test_the_inventory_is_within_a_scope_newest_first_and_has_titles(inventory: Queries) -> None:
    assert [(row["host"], row["title"]) for row in await inventory.hosts()] == [
        ("x", "The X"),
        ("y", None),
        ("x", "The X"),
    ]
    assert [row["tenant"] for row in await inventory.within(A).hosts()] == ["a", "a"]
    assert await inventory.within(NOBODY).hosts() == []


async def test_the_inventory_is_narrowed_by_all_that_is_asked(inventory: Queries) -> None:
    assert [row["tenant"] for row in await inventory.hosts(known=False)] == ["b", "a"]
    assert [row["host"] for row in await inventory.hosts(client="10.0.0.2")] == ["y"]
    assert [row["tenant"] for row in await inventory.hosts(since=AT + timedelta(hours=3))] == ["b"]
    assert len(await inventory.hosts(limit=1)) == 1


async def test_without_a_store_of_it_there_is_no_inventory() -> None:
    with pytest.raises(StorageError, match="no inventory"):
        await Queries(traces=MemoryTraces()).hosts()


async def test_what_subscriptions_paid_for_is_no_part_of_the_cost() -> None:
    traces = MemoryTraces()
    await traces.start()
    flat = Cost(amount=Decimal(4), basis=CostBasis.API_EQUIVALENT)
    costs = {"a": [Cost(amount=Decimal(1)), flat, flat, Cost(reason="unknown")], "b": [Cost(amount=Decimal(5))]}
    await traces.put([make_exchange(model=model, cost=cost) for model, some in costs.items() for cost in some])
    rows = await Queries(traces=traces).costs(ExchangeFilter(), by=["model"])
    assert [
        (row.group[0], row.calls, int(row.cost_usd), int(row.api_equivalent_usd), row.unpriced) for row in rows
    ] == [
        ("a", 4, 1, 8, 1),
        ("b", 1, 5, 0, 0),
    ]
    by_basis = await Queries(traces=traces).costs(ExchangeFilter(), by=["cost_basis"])
    assert {row.group[0]: (int(row.cost_usd), int(row.api_equivalent_usd)) for row in by_basis} == {
        "metered": (6, 0),
        "api_equivalent": (0, 8),
        None: (0, 0),
    }
