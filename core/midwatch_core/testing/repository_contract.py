# ruff: noqa: D102  # a test's name is its documentation
"""The suites that every repository passes: subclass one, give it a `repository` fixture that yields a started one.

Needs pytest and pytest-asyncio.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.listing import row_of
from midwatch_core.model.content import Json, ProviderError, Request, ToolCall, ToolResult
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.model.timing import Gaps, Timing
from midwatch_core.ports import ExchangeFilter, Page, Scope, TraceRepository
from midwatch_core.testing.deletion_contract import TraceDeletionContract
from midwatch_core.testing.factories import (
    BEGINNING,
    conversation,
    make_cost,
    make_exchange,
    make_request,
    make_response,
)
from midwatch_core.testing.metadata_contract import MetadataRepositoryContract as MetadataRepositoryContract
from midwatch_core.testing.metadata_contract import SharedMetadataContract as SharedMetadataContract
from midwatch_core.testing.search_contract import TraceSearchContract
from midwatch_core.testing.sums_contract import TraceSumsContract

EVERYONE = Scope()
ALL = ExchangeFilter()
_HARD_TEXTS = (
    "",
    "NUL \0 in \0 the middle\0",
    "naïve 漢字 🦉 \u202b\u05e2\u05d1 é ﷽ \u2028\u2029\ufeff\ufffd\U0010ffff",
    "\x1b[31m\r\n\t\x7f\x85",
    '"$text" {"$omitted": 3} \\u0000 \\',
    "x" * 100_000,
)
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


def everything() -> Exchange:
    """An exchange with something in every field."""
    finding = Finding(
        id="f1",
        rule="pack/rule",
        category="secret",
        severity=Severity.HIGH,
        confidence=0.75,
        message="a key",
        owasp=("LLM02:2025",),
        direction=Direction.RESPONSE,
        part=Part.TOOL_CALL,
        path="/choices/0",
        start=3,
        end=9,
        evidence="sk-…",
        plugin="rules",
    )
    body: Json = {
        "messages": [{"$text": "no hash of ours"}],
        "n": 1,
        "deep": [[{"a/b~c": [1.5, None, True]}]],
    }
    request = replace(
        make_request([("user", text) for text in _HARD_TEXTS]),
        body=body,
        stream=True,
        tools=("read", "write"),
        parameters={"seed": 12345678901234567890123, "stop": ["\0", "é"]},
        previous_response_id="resp_1",
        conversation_id="c",
        tool_results=(ToolResult(call_id=None, path="/messages/1", name="read", failed=True),),
        decode_error="not JSON at byte 7",
    )
    response = replace(
        make_response("\0"),
        tool_calls=(ToolCall(id=None, name="read", path="/choices/0"),),
        service_tier="flex",
        error=ProviderError(type="overloaded", message="try\nlater"),
        complete=False,
    )
    return make_exchange(
        request=request,
        response=response,
        identity=Identity(
            tenant="default",
            key_id="k",
            agent="a",
            app="b",
            user="ü",
            client="::1",
            user_agent="x/1",
            learned_from={"app": "header"},
        ),
        transport=Transport.SSE,
        streamed=True,
        status=529,
        error="client disconnected",
        timing=Timing(ttft_ms=0.1, duration_ms=1e6, gaps=Gaps(count=3, mean_ms=1.5, p50_ms=1, p95_ms=2, max_ms=9)),
        cost=replace(make_cost("0.10"), lines=make_cost("0.1234567890123456789").lines),
        findings=(finding,),
        verdicts=(Verdict(action=Action.FLAG, findings=("f1",), policy_line="secrets: flag"),),
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        inspected=(Direction.REQUEST,),
        session="s\0é",
        thread=Thread(linked_by=LinkedBy.CHAIN, turn=Turn.COMPACTION, parent_id="the one before"),
        tool_spans=tuple(_tool_span(number) for number in range(9)),
    )


def _tool_span(number: int) -> ToolSpan:
    return ToolSpan(
        call_id=f"call_{number}" if number else None,
        name="read",
        called_by="the one before",
        started_at=BEGINNING,
        ended_at=BEGINNING + timedelta(microseconds=number),
        path=f"/messages/{number}",
        failed=bool(number % 2),
    )


def _ids(page: Page) -> list[str]:
    return [row.id for row in page.rows]


class TraceRepositoryContract(TraceDeletionContract, TraceSearchContract, TraceSumsContract):
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

    async def test_use_after_close_is_a_storage_error(self, repository: TraceRepository) -> None:
        await repository.close()
        with pytest.raises(StorageError):
            await repository.put([make_exchange()])
        with pytest.raises(StorageError):
            await repository.list(EVERYONE, ALL, limit=1)
