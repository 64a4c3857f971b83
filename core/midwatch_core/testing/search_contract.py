# ruff: noqa: D102  # a test's name is its documentation
"""What holds for every TraceRepository's search in texts: part of TraceRepositoryContract."""

from dataclasses import replace

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import conversation, make_exchange, make_request, prose

_EVERYONE = Scope()
# More pages than any test has exchanges, each of which may end a page.
_PAGES = 500


class TraceSearchContract:
    """Pages of a search may end early: what counts is what all of them hold."""

    pytestmark = pytest.mark.asyncio

    async def found(
        self, repository: TraceRepository, wanted: ExchangeFilter, *, scope: Scope = _EVERYONE, limit: int = 10
    ) -> list[str]:
        """The ids of all pages, newest first."""
        found: list[str] = []
        cursor = None
        for _ in range(_PAGES):
            page = await repository.list(scope, wanted, limit=limit, cursor=cursor)
            assert len(page.rows) <= limit
            found += [row.id for row in page.rows]
            cursor = page.cursor
            if cursor is None:
                return found
        raise AssertionError("the pages never end")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Zebra", {0, 1, 2}),
            ("zebra CROSSING", {0}),
            ("crossing the", {0}),
            ("漢字", {3}),
            ("naïve", {3}),
            ("100%", {4}),
            ("100_", set()),
            ("under_score", {4}),
            ("' OR 1=1 --", {5}),
            ("\\", {5}),
            ("no such text", set()),
            ("a", {0, 1, 2, 3, 4, 5}),
        ],
    )
    async def test_finds_a_text_wherever_it_stands(
        self, repository: TraceRepository, text: str, expected: set[int]
    ) -> None:
        exchanges = [
            make_exchange(messages=[("user", "at a zebra crossing the road")]),
            make_exchange(messages=[("system", "ZEBRA"), ("user", "hi")], answer="a"),
            make_exchange(answer=prose(5_000, 1) + "zeBRa" + prose(5_000, 2)),
            make_exchange(answer="a naïve 漢字"),
            make_exchange(answer="100% under_score"),
            make_exchange(answer="a ' OR 1=1 -- \\"),
        ]
        await repository.put(exchanges)
        found = await self.found(repository, ExchangeFilter(text=text))
        assert found == [one.id for number, one in reversed(list(enumerate(exchanges))) if number in expected]

    async def test_other_filters_and_the_scope_hold_in_a_search(self, repository: TraceRepository) -> None:
        plain = make_exchange(answer="a word")
        exchanges = [
            plain,
            make_exchange(tenant="other", answer="a word"),
            make_exchange(answer="a word", identity=replace(plain.identity, user="ada")),
            make_exchange(answer="a word", trace_id="T"),
            make_exchange(answer="something else", trace_id="T"),
            make_exchange(answer="a word", response=None),
        ]
        await repository.put(exchanges)

        async def ids(scope: Scope, user: str | None = None, trace_id: str | None = None) -> list[int]:
            wanted = ExchangeFilter(text="WORD", user=user, trace_id=trace_id)
            found = await self.found(repository, wanted, scope=scope)
            return [[one.id for one in exchanges].index(key) for key in found]

        assert await ids(_EVERYONE) == [3, 2, 1, 0]
        assert await ids(_EVERYONE, user="ada") == [2]
        assert await ids(_EVERYONE, trace_id="T") == [3]
        assert await ids(Scope(tenants=frozenset({"other"}))) == [1]
        assert await ids(Scope(tenants=frozenset({"other"})), user="ada") == []
        assert await ids(Scope(tenants=frozenset())) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 50])
    async def test_pages_of_a_search_hold_each_once(self, repository: TraceRepository, limit: int) -> None:
        exchanges = [make_exchange(answer=f"{'needle' if number % 3 == 0 else 'hay'} {number}") for number in range(40)]
        exchanges += list(conversation(20, characters=30))
        await repository.put(exchanges)
        expected = [one.id for number, one in enumerate(exchanges[:40]) if number % 3 == 0]
        assert await self.found(repository, ExchangeFilter(text="NEEDLE"), limit=limit) == expected[::-1]

    async def test_a_word_said_early_is_in_every_later_turn(self, repository: TraceRepository) -> None:
        turns = list(conversation(30, characters=40))
        said = turns[12].response
        assert said is not None
        await repository.put(turns)
        found = await self.found(repository, ExchangeFilter(text=said.segments[0].text.upper()))
        assert found == [turn.id for turn in reversed(turns[12:])]

    async def test_costs_of_a_search(self, repository: TraceRepository) -> None:
        await repository.put([make_exchange(answer="a word", model=model) for model in "aab"])
        await repository.put([make_exchange(answer="nothing")])
        rows = await repository.costs(_EVERYONE, ExchangeFilter(text="Word"), by=["model"])
        assert {row.group: row.calls for row in rows} == {("a",): 2, ("b",): 1}

    @pytest.mark.parametrize("text", ["", "\ud800"])
    async def test_refuses_to_look_for_nothing(self, repository: TraceRepository, text: str) -> None:
        await repository.put([make_exchange(request=make_request([]), answer="")])
        with pytest.raises(StorageError):
            await repository.list(_EVERYONE, ExchangeFilter(text=text), limit=5)
