from collections.abc import AsyncIterator

import pytest

from midwatch_core.errors import ConfigError
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import make_exchange
from midwatch_core.testing.repository_contract import TraceRepositoryContract
from midwatch_memory import open_metadata, open_traces, traces


class TestMemoryTraces(TraceRepositoryContract):
    @pytest.fixture
    async def repository(self) -> AsyncIterator[TraceRepository]:
        repository = open_traces("memory://")
        assert repository is not None
        await repository.start()
        yield repository
        await repository.close()


async def test_the_oldest_make_room() -> None:
    repository = open_traces("memory://?exchanges=3")
    assert repository is not None
    await repository.start()
    exchanges = [make_exchange() for _ in range(5)]
    await repository.put([exchanges[4], exchanges[0], exchanges[3], exchanges[1], exchanges[2]])
    page = await repository.list(Scope(), ExchangeFilter(), limit=10)
    assert [row.id for row in page.rows] == [exchanges[number].id for number in (4, 3, 2)]
    assert await repository.get(Scope(), exchanges[1].id) is None


async def test_a_search_looks_into_so_many_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MOST_LOOKED_INTO", 7)
    repository = open_traces("memory://")
    assert repository is not None
    await repository.start()
    exchanges = [make_exchange(answer="NEEDLE" if number in (0, 29) else "hay") for number in range(30)]
    await repository.put(exchanges)
    pages, cursor = 0, None
    found: list[str] = []
    while pages == 0 or cursor is not None:
        page = await repository.list(Scope(), ExchangeFilter(text="needle"), limit=10, cursor=cursor)
        found += [row.id for row in page.rows]
        pages, cursor = pages + 1, page.cursor
    assert (found, pages) == ([exchanges[29].id, exchanges[0].id], 5)


@pytest.mark.parametrize("url", ["memory://here", "memory://?exchanges=0", "memory://?exchanges=²", "memory://?a=1"])
def test_refuses_other_words(url: str) -> None:
    with pytest.raises(ConfigError, match="memory://"):
        open_traces(url)


@pytest.mark.parametrize("url", ["sqlite:///x", "", "memory", "MEMORY://"])
def test_leaves_other_schemes(url: str) -> None:
    assert open_traces(url) is None
    assert open_metadata(url) is None
