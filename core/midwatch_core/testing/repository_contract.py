# ruff: noqa: D102  # a test's name is its documentation
"""The suites that every repository passes: subclass one, give it a `repository` fixture that yields a started one.

Needs pytest and pytest-asyncio.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.listing import row_of
from midwatch_core.model.content import Json, Request, ToolResult
from midwatch_core.model.cost import Cost
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.timing import Timing
from midwatch_core.ports import ExchangeFilter, Page, Scope, TraceRepository
from midwatch_core.testing.activity_contract import TraceActivityContract
from midwatch_core.testing.conversations_contract import TraceConversationsContract
from midwatch_core.testing.costs_contract import TraceCostsContract
from midwatch_core.testing.deletion_contract import TraceDeletionContract
from midwatch_core.testing.factories import (
    BEGINNING,
    conversation,
    make_cost,
    make_exchange,
    make_request,
)
from midwatch_core.testing.findings_contract import TraceFindingsContract
from midwatch_core.testing.metadata_contract import MetadataRepositoryContract as MetadataRepositoryContract
from midwatch_core.testing.metadata_contract import SharedMetadataContract as SharedMetadataContract
from midwatch_core.testing.search_contract import TraceSearchContract
from midwatch_core.testing.sums_contract import TraceSumsContract
from midwatch_core.testing.whole_exchange import everything

EVERYONE = Scope()
ALL = ExchangeFilter()
_HOSTILE_CURSORS = (
    "",
    "x",
    "0",
    "%00",
    "💥",
    "W10",
    "eyJhIjoxfQ",
    "WzEsMl0",
    "WyJhIiwiYiJd",
    "WzFlOTksImEiXQ",
    "A" * 5000,
)


def _ids(page: Page) -> list[str]:
    return [row.id for row in page.rows]


class TraceRepositoryContract(
    TraceActivityContract,
    TraceConversationsContract,
    TraceCostsContract,
    TraceDeletionContract,
    TraceFindingsContract,
    TraceSearchContract,
    TraceSumsContract,
):
    """What holds for every TraceRepository."""

    pytestmark = pytest.mark.asyncio

    async def walk(self, repository: TraceRepository, wanted: ExchangeFilter, limit: int) -> list[str]:
        """The ids of all pages."""
        found: list[str] = []
        cursor = None
        for _ in range(1000):
            page = await repository.list(EVERYONE, wanted, limit=limit, cursor=cursor)
            found += _ids(page)
            cursor = page.cursor
            if cursor is None:
                return found
        raise AssertionError("the pages never end")

    async def test_gives_back_exactly_what_was_put(self, repository: TraceRepository) -> None:
        exchange = everything()
        await repository.put([exchange])
        assert await repository.get(EVERYONE, exchange.id) == exchange

    async def test_gives_back_calls_without_answer_or_text(self, repository: TraceRepository) -> None:
        unanswered = make_exchange(response=None, status=None, error="upstream refused", cost=None, timing=Timing())
        empty = make_exchange(messages=(), answer="")
        unknown = make_exchange(request=Request(operation=unanswered.request.operation, body=[1, "a", None]))
        for exchange in (unanswered, empty, unknown):
            await repository.put([exchange])
            assert await repository.get(EVERYONE, exchange.id) == exchange

    @pytest.mark.parametrize("length", [1, 15, 16, 17, 31, 32, 33, 256, 257, 300])
    async def test_gives_back_long_lists(self, repository: TraceRepository, length: int) -> None:
        messages = [("user", f"turn {number}") for number in range(length)]
        request = replace(
            make_request(messages),
            tools=tuple(f"tool_{number}" for number in range(length)),
            tool_results=tuple(ToolResult(call_id=f"{number}", path=f"/{number}") for number in range(length)),
        )
        body: Json = {"response": {"input": list(range(length)), "": [{"a": None}] * length}, "tools": [[]] * length}
        exchanges = [make_exchange(request=request), make_exchange(request=replace(request, body=body))]
        exchanges.append(make_exchange(request=replace(request, body=[{"n": number} for number in range(length)])))
        await repository.put(exchanges)
        for exchange in exchanges:
            assert await repository.get(EVERYONE, exchange.id) == exchange

    async def test_gives_back_every_turn_of_a_conversation(self, repository: TraceRepository) -> None:
        turns = list(conversation(40, characters=50))
        await repository.put(turns[:25])
        await repository.put(turns[25:])
        for turn in turns:
            assert await repository.get(EVERYONE, turn.id) == turn

    async def test_one_hash_with_two_texts_keeps_both(self, repository: TraceRepository) -> None:
        # The hash is over the original: two policies may mask it differently, a full disk leaves it empty.
        segments = [
            Segment(part=Part.USER, path="/a", text=text, hash="5" * 32) for text in ("4111 1111", "[CARD]", "")
        ]
        exchanges = [make_exchange(request=replace(make_request([]), segments=(segment,))) for segment in segments]
        for exchange in exchanges:
            await repository.put([exchange])
        for exchange in exchanges:
            assert await repository.get(EVERYONE, exchange.id) == exchange

    async def test_keeps_the_first_of_an_id(self, repository: TraceRepository) -> None:
        first = make_exchange()
        second = make_exchange(id=first.id, answer="Lyon.")
        await repository.put([first, second])
        await repository.put([second])
        assert await repository.get(EVERYONE, first.id) == first
        assert _ids(await repository.list(EVERYONE, ALL, limit=10)) == [first.id]

    async def test_an_empty_batch_is_nothing(self, repository: TraceRepository) -> None:
        await repository.put([])
        assert await repository.list(EVERYONE, ALL, limit=10) == Page(rows=(), cursor=None)

    async def test_a_batch_is_kept_whole_or_not_at_all(self, repository: TraceRepository) -> None:
        good, bad = make_exchange(), make_exchange(started_at=datetime(2026, 1, 1))  # the fault meant
        with pytest.raises(StorageError):
            await repository.put([good, bad])
        assert await repository.get(EVERYONE, good.id) is None
        await repository.put([good])
        assert await repository.get(EVERYONE, good.id) == good

    async def test_lists_rows_newest_first(self, repository: TraceRepository) -> None:
        exchanges = [everything(), make_exchange(cost=None), make_exchange(cost=Cost(reason="no price"))]
        await repository.put([exchanges[1], exchanges[0], exchanges[2]])
        page = await repository.list(EVERYONE, ALL, limit=10)
        assert page.rows == tuple(row_of(exchange) for exchange in reversed(exchanges))
        assert page.cursor is None

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (ExchangeFilter(tenant="acme"), [0]),
            (ExchangeFilter(provider="anthropic"), [1]),
            (ExchangeFilter(model="o9"), [2]),
            (ExchangeFilter(app="mail"), [3]),
            (ExchangeFilter(agent="planner"), [4]),
            (ExchangeFilter(trace_id="T"), [5]),
            (ExchangeFilter(status=503), [6]),
            (ExchangeFilter(key_id="k7"), [8]),
            (ExchangeFilter(user="ü@x"), [9]),
            (ExchangeFilter(client="::7"), [10]),
            (ExchangeFilter(session="s' é"), [11]),
            (ExchangeFilter(since=BEGINNING + timedelta(days=9000, seconds=10)), [11, 10]),
            (ExchangeFilter(until=BEGINNING + timedelta(days=9000, seconds=2)), [1, 0]),
            (ExchangeFilter(status=200, app="mail"), [3]),
            (ExchangeFilter(tenant="default", user="ü@x", trace_id="of the user"), [9]),
            (ExchangeFilter(tenant="acme", user="ü@x"), []),
            (ExchangeFilter(tenant="acme", trace_id="of the user"), []),
            (ExchangeFilter(session="s' é", trace_id="of the session"), [11]),
            (ExchangeFilter(session="s' é", trace_id="T"), []),
            (ExchangeFilter(session="s' é", tenant="acme"), []),
            (ExchangeFilter(session="s"), []),
            (ExchangeFilter(status=503, app="mail"), []),
            (ExchangeFilter(model="o"), []),
            (ExchangeFilter(model="%"), []),
            (ExchangeFilter(app="' OR 1=1 --"), []),
        ],
    )
    async def test_filters(self, repository: TraceRepository, wanted: ExchangeFilter, expected: list[int]) -> None:
        plain = make_exchange()
        special = [
            make_exchange(tenant="acme"),
            make_exchange(endpoint=replace(plain.endpoint, provider="anthropic")),
            make_exchange(model="o9"),
            make_exchange(identity=replace(plain.identity, app="mail")),
            make_exchange(identity=replace(plain.identity, agent="planner")),
            make_exchange(trace_id="T"),
            make_exchange(status=503),
            make_exchange(identity=Identity()),
            make_exchange(identity=replace(plain.identity, key_id="k7")),
            make_exchange(identity=replace(plain.identity, user="ü@x"), trace_id="of the user"),
            make_exchange(identity=replace(plain.identity, client="::7")),
            make_exchange(session="s' é", trace_id="of the session"),
        ]
        far = BEGINNING + timedelta(days=9000)
        exchanges = [replace(one, started_at=far + timedelta(seconds=number)) for number, one in enumerate(special)]
        await repository.put(exchanges)
        page = await repository.list(EVERYONE, wanted, limit=50)
        assert _ids(page) == [exchanges[number].id for number in expected]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
    async def test_pages_hold_every_row_once(self, repository: TraceRepository, limit: int) -> None:
        exchanges = [make_exchange(started_at=BEGINNING + timedelta(microseconds=number // 3)) for number in range(14)]
        await repository.put(exchanges)
        expected = sorted(exchanges, key=lambda one: (one.started_at, one.id), reverse=True)
        assert await self.walk(repository, ALL, limit) == [one.id for one in expected]

    async def test_pages_stay_while_rows_are_added(self, repository: TraceRepository) -> None:
        before = [make_exchange() for _ in range(10)]
        await repository.put(before)
        first = await repository.list(EVERYONE, ALL, limit=4)
        await repository.put([make_exchange() for _ in range(5)])
        rest = await repository.list(EVERYONE, ALL, limit=50, cursor=first.cursor)
        assert _ids(first) + _ids(rest) == [one.id for one in reversed(before)]

    async def test_a_cursor_outlives_its_row(self, repository: TraceRepository) -> None:
        exchanges = [make_exchange() for _ in range(6)]
        await repository.put(exchanges)
        first = await repository.list(EVERYONE, ALL, limit=3)
        await repository.delete(EVERYONE, ExchangeFilter(until=exchanges[4].started_at))
        assert _ids(await repository.list(EVERYONE, ALL, limit=3, cursor=first.cursor)) == []

    @pytest.mark.parametrize("cursor", _HOSTILE_CURSORS)
    async def test_refuses_a_cursor_of_others(self, repository: TraceRepository, cursor: str) -> None:
        await repository.put([make_exchange()])
        with pytest.raises(StorageError):
            await repository.list(EVERYONE, ALL, limit=1, cursor=cursor)

    async def test_refuses_what_makes_no_sense(self, repository: TraceRepository) -> None:
        with pytest.raises(StorageError):
            await repository.list(EVERYONE, ALL, limit=0)
        with pytest.raises(StorageError):
            await repository.costs(EVERYONE, ALL, by=["id; DROP TABLE exchanges"])
        with pytest.raises(StorageError):
            await repository.list(EVERYONE, ExchangeFilter(since=datetime(2026, 1, 1)), limit=1)  # meant

    @pytest.mark.parametrize("key", ["", "\0", "no such", "'; --", "💥" * 1000])
    async def test_an_unknown_id_is_none(self, repository: TraceRepository, key: str) -> None:
        assert await repository.get(EVERYONE, key) is None

    async def test_scope_hides_other_tenants_everywhere(self, repository: TraceRepository) -> None:
        ours, theirs = make_exchange(tenant="ours"), make_exchange(tenant="theirs")
        await repository.put([ours, theirs])
        scope = Scope(tenants=frozenset({"ours", "absent"}))
        assert _ids(await repository.list(scope, ALL, limit=10)) == [ours.id]
        assert _ids(await repository.list(scope, ExchangeFilter(tenant="theirs"), limit=10)) == []
        assert await repository.get(scope, theirs.id) is None
        assert await repository.get(scope, ours.id) == ours
        assert [row.group for row in await repository.costs(scope, ALL, by=["tenant"])] == [("ours",)]

    async def test_pages_of_several_tenants_are_in_order(self, repository: TraceRepository) -> None:
        exchanges = [make_exchange(tenant="abc"[number % 3]) for number in range(12)]
        await repository.put(exchanges)
        expected = [one.id for one in reversed(exchanges) if one.identity.tenant != "b"]
        scope = Scope(tenants=frozenset({"a", "c"}))
        first = await repository.list(scope, ALL, limit=5)
        assert _ids(first) == expected[:5]
        assert _ids(await repository.list(scope, ALL, limit=5, cursor=first.cursor)) == expected[5:]

    async def test_an_empty_scope_sees_nothing(self, repository: TraceRepository) -> None:
        exchange = make_exchange()
        await repository.put([exchange])
        nobody = Scope(tenants=frozenset())
        assert await repository.list(nobody, ALL, limit=10) == Page(rows=(), cursor=None)
        assert await repository.get(nobody, exchange.id) is None
        assert list(await repository.costs(nobody, ALL, by=[])) == []

    async def test_a_session_is_found_counted_and_forgotten(self, repository: TraceRepository) -> None:
        exchanges = [make_exchange(session="ab"[number % 2], cost=make_cost("1")) for number in range(10)]
        await repository.put([*exchanges, make_exchange(session=None)])
        wanted = ExchangeFilter(session="a")
        assert await self.walk(repository, wanted, 2) == [one.id for one in exchanges[-2::-2]]
        (row,) = await repository.costs(EVERYONE, wanted, by=["model"])
        assert (row.calls, row.cost_usd) == (5, Decimal(5))
        assert await repository.delete(EVERYONE, wanted) == 5
        assert await self.walk(repository, wanted, 2) == []
        assert len(await self.walk(repository, ALL, 3)) == 6

    async def test_use_after_close_is_a_storage_error(self, repository: TraceRepository) -> None:
        await repository.close()
        with pytest.raises(StorageError):
            await repository.put([make_exchange()])
        with pytest.raises(StorageError):
            await repository.list(EVERYONE, ALL, limit=1)
