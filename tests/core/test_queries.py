"""The query service: always inside its scope, never wider than its caller's, pages bounded."""

import pytest

from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.queries import MAX_PAGE, Queries
from midwatch_core.testing.factories import make_exchange
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
