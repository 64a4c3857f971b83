"""A search looks at a bounded amount a page, and its cursor goes on."""

from pathlib import Path

import pytest

from midwatch_core.ports import ExchangeFilter, Page, Scope
from midwatch_core.testing.factories import make_exchange
from midwatch_sql import searching
from midwatch_sql.location import Location
from midwatch_sql.traces import SqliteTraces

NEEDLE = ExchangeFilter(text="needle")


async def pages_of(path: Path, wanted: ExchangeFilter) -> tuple[list[Page], list[str]]:
    """The pages of a search over 40 exchanges of which the oldest and the newest have the text, and those two's ids."""
    repository = SqliteTraces(Location(path=path))
    await repository.start()
    exchanges = [make_exchange(answer=f"{'NEEDLE' if n in (0, 39) else 'hay'} {n} {'x' * 500}") for n in range(40)]
    await repository.put(exchanges)
    pages = [await repository.list(Scope(), wanted, limit=10)]
    while pages[-1].cursor is not None:
        pages.append(await repository.list(Scope(), wanted, limit=10, cursor=pages[-1].cursor))
    await repository.close()
    return pages, [exchanges[39].id, exchanges[0].id]


@pytest.mark.parametrize(("bound", "value"), [("STEP_EXCHANGES", 7), ("STEP_BYTES", 4_000)])
async def test_a_page_ends_where_enough_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(searching, bound, value)
    pages, expected = await pages_of(tmp_path / "midwatch.db", NEEDLE)
    assert len(pages) >= 5
    assert any(page.rows == () for page in pages)
    assert [row.id for page in pages for row in page.rows] == expected


async def test_one_page_is_enough_for_little(tmp_path: Path) -> None:
    pages, expected = await pages_of(tmp_path / "midwatch.db", NEEDLE)
    assert [[row.id for row in page.rows] for page in pages] == [expected]


async def test_other_filters_narrow_what_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "STEP_EXCHANGES", 7)
    pages, _ = await pages_of(tmp_path / "midwatch.db", ExchangeFilter(text="needle", user="nobody"))
    assert pages == [Page(rows=(), cursor=None)]
