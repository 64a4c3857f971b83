from collections.abc import Sequence

import pytest

from midwatch_clickhouse import searching
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange

EVERYONE = Scope()


async def walk(repository: ClickHouseTraces, wanted: ExchangeFilter, limit: int) -> tuple[list[str], int]:
    """The ids of all pages, and how many pages there were."""
    found: list[str] = []
    cursor = None
    for pages in range(1, 100):
        page = await repository.list(EVERYONE, wanted, limit=limit, cursor=cursor)
        found += [row.id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found, pages
    raise AssertionError("the pages never end")


def newest_first(exchanges: Sequence[Exchange]) -> list[str]:
    return [one.id for one in reversed(exchanges)]


@pytest.mark.parametrize("looked_at", [3, 7, 1000])
async def test_search_finds_each_once_however_little_a_call_looks_at(
    repository: ClickHouseTraces, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(searching, "LOOKED_AT", looked_at)
    batch = [make_exchange(answer=f"needle {index}" if index % 4 == 0 else f"hay {index}") for index in range(20)]
    await repository.put(batch)
    found, pages = await walk(repository, ExchangeFilter(text="NEEDLE"), limit=2)
    assert found == newest_first([one for index, one in enumerate(batch) if index % 4 == 0])
    assert pages >= 20 // looked_at


async def test_search_is_in_every_text_and_narrowed_by_the_rest(repository: ClickHouseTraces) -> None:
    asked = make_exchange(messages=[("system", "Ägypten"), ("user", "x")])
    answered = make_exchange(answer="in ägypten", model="m")
    await repository.put([asked, answered, make_exchange(tenant="other", answer="Ägypten")])
    ours = Scope(tenants=frozenset({"default"}))
    page = await repository.list(ours, ExchangeFilter(text="ÄGYPTEN"), limit=9)
    assert [row.id for row in page.rows] == newest_first([asked, answered])
    page = await repository.list(ours, ExchangeFilter(text="ÄGYPTEN", model="m"), limit=9)
    assert [row.id for row in page.rows] == [answered.id]


@pytest.mark.parametrize("text", ["%", "_", "'", "\\", "\0", "a\tb", "💥", "') OR 1=1 --"])
async def test_what_is_looked_for_is_taken_as_it_is(repository: ClickHouseTraces, text: str) -> None:
    with_it, without = make_exchange(answer=f"x{text}y"), make_exchange(answer="xy")
    await repository.put([with_it, without])
    page = await repository.list(EVERYONE, ExchangeFilter(text=text), limit=9)
    assert [row.id for row in page.rows] == [with_it.id]


async def test_costs_of_a_text(repository: ClickHouseTraces) -> None:
    await repository.put([make_exchange(answer="yes"), make_exchange(answer="no"), make_exchange(answer="Yes!")])
    (row,) = await repository.costs(EVERYONE, ExchangeFilter(text="yes"), by=[])
    assert row.calls == 2
