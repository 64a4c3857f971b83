# ruff: noqa: D102  # a test's name is its documentation
"""What a TraceRepository lists of conversations: part of TraceRepositoryContract."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from midwatch_core.conversation_listing import ConversationRow
from midwatch_core.conversation_rows import conversation_of
from midwatch_core.errors import StorageError
from midwatch_core.listing import row_of
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.activity_contract import failing
from midwatch_core.testing.factories import BEGINNING, make_cost, make_exchange
from midwatch_core.testing.findings_contract import found

_EVERYONE = Scope()
_ALL = ExchangeFilter()
# More pages than any test has traces.
_PAGES = 500
_VALUES: dict[str, tuple[Any, ...]] = {
    "tenant": ("acme", "default"),
    "app": ("mail", None),
    "agent": ("coder", None),
    "user": ("ada", "bob", None),
}
_AMOUNTS = ("0.1", "0.000000000001", "12.3400000000000000001", "-0.05", None)


def at(minute: float, trace_id: str, **changes: Any) -> Exchange:
    """A call of a trace, so many minutes after the beginning."""
    return make_exchange(started_at=BEGINNING + timedelta(minutes=minute), trace_id=trace_id, **changes)


def _random(chance: random.Random) -> Exchange:
    amount = chance.choice(_AMOUNTS)
    changes: dict[str, Any] = {
        "model": chance.choice(("big", "small")),
        "identity": Identity(**{name: chance.choice(values) for name, values in _VALUES.items()}),
        "session": chance.choice(["s", "t", None]),
        "status": chance.choice([200, 503]),
        "cost": None if amount is None else make_cost(amount),
        "findings": (found(),) if chance.random() < 0.3 else (),
    }
    # Whole minutes: some calls begin at the same moment.
    return at(chance.randrange(200), f"trace-{chance.randrange(12)}", **changes)


def _filter(chance: random.Random) -> ExchangeFilter:
    names = chance.sample(["model", *_VALUES], chance.choice([0, 0, 1, 1, 2]))
    wanted: dict[str, Any] = {name: "big" if name == "model" else _VALUES[name][0] for name in names}
    for name, value in (("status", 503), ("session", "s"), ("trace_id", "trace-3")):
        if chance.random() < 0.15:
            wanted[name] = value
    for name in ("since", "until"):
        if chance.random() < 0.4:
            wanted[name] = BEGINNING + timedelta(minutes=chance.randrange(200))
    return ExchangeFilter(**wanted)


def _wants(exchange: Exchange, scope: Scope, wanted: ExchangeFilter) -> bool:
    row = row_of(exchange)
    names = (*_VALUES, "model", "status", "session", "trace_id")
    return (
        scope.allows(row.tenant)
        and (wanted.since is None or row.started_at >= wanted.since)
        and (wanted.until is None or row.started_at < wanted.until)
        and all(getattr(wanted, name) in (None, getattr(row, name)) for name in names)
    )


def _listed(kept: Sequence[Exchange], scope: Scope, wanted: ExchangeFilter) -> list[ConversationRow]:
    newest = sorted(kept, key=lambda one: (one.started_at, one.id), reverse=True)
    traces = dict.fromkeys(one.trace_id for one in newest if _wants(one, scope, wanted))
    return [
        conversation_of([one for one in kept if one.trace_id == trace and scope.allows(one.identity.tenant)])
        for trace in traces
    ]


class TraceConversationsContract:
    """Traces in pages, each once, with the sums over all their exchanges in scope."""

    pytestmark = pytest.mark.asyncio

    async def conversations(
        self, repository: TraceRepository, wanted: ExchangeFilter, *, scope: Scope = _EVERYONE, limit: int = 2
    ) -> list[ConversationRow]:
        """The rows of all pages."""
        rows: list[ConversationRow] = []
        cursor = None
        for _ in range(_PAGES):
            page = await repository.conversations(scope, wanted, limit=limit, cursor=cursor)
            assert len(page.rows) <= limit
            rows += page.rows
            cursor = page.cursor
            if cursor is None:
                return rows
        raise AssertionError("the pages never end")

    async def test_a_conversation_sums_up_its_calls(self, repository: TraceRepository) -> None:
        first = at(0, "T", model="small", cost=make_cost("0.1"), session="s")
        second = at(1, "T", model="big", cost=make_cost("0.0000000000000000001"), findings=(found(1), found(2)))
        third = replace(failing(), trace_id="T", started_at=BEGINNING + timedelta(minutes=2), cost=Cost(reason="new"))
        newest = replace(third, identity=Identity(user="ada", app=None), session="u", id=f"{third.id}x")
        await repository.put([second, newest, first, third])
        (row,) = await self.conversations(repository, _ALL)
        assert row == ConversationRow(
            trace_id="T",
            tenant="default",
            started_at=BEGINNING,
            last_at=BEGINNING + timedelta(minutes=2),
            calls=4,
            models=("big", "gpt-5-mini", "small"),
            app=None,
            agent=None,
            user="ada",
            session="u",
            input_tokens=4 * 21,
            output_tokens=4 * 4,
            cost_usd=Decimal("0.1000000000000000001"),
            unpriced=2,
            errors=2,
            flagged=1,
        )

    async def test_a_conversation_stands_where_its_newest_wanted_call_stands(self, repository: TraceRepository) -> None:
        await repository.put(
            [
                at(0, "early"),
                at(1, "long", model="big"),
                at(2, "middle", model="big"),
                at(3, "long"),
                at(4, "late"),
            ]
        )
        for limit in (1, 2, 3, 10):
            every = await self.conversations(repository, _ALL, limit=limit)
            assert [row.trace_id for row in every] == ["late", "long", "middle", "early"]
            big = await self.conversations(repository, ExchangeFilter(model="big"), limit=limit)
            assert [(row.trace_id, row.calls) for row in big] == [("middle", 1), ("long", 2)]
            until = ExchangeFilter(until=BEGINNING + timedelta(minutes=3))
            old = await self.conversations(repository, until, limit=limit)
            assert [(row.trace_id, row.calls) for row in old] == [("middle", 1), ("long", 2), ("early", 1)]
            since = ExchangeFilter(since=BEGINNING + timedelta(minutes=3))
            new = await self.conversations(repository, since, limit=limit)
            assert [row.trace_id for row in new] == ["late", "long"]

    async def test_a_long_conversation_comes_once(self, repository: TraceRepository) -> None:
        await repository.put([at(minute, ("long", "other", "long")[minute % 3]) for minute in range(300)])
        for limit in (1, 5):
            rows = await self.conversations(repository, _ALL, limit=limit)
            assert [(row.trace_id, row.calls) for row in rows] == [("long", 200), ("other", 100)]

    async def test_sums_of_conversations_stay_in_scope(self, repository: TraceRepository) -> None:
        exchanges = [
            at(0, "shared", tenant="ours", cost=make_cost("1")),
            at(1, "shared", tenant="theirs", model="secret", cost=make_cost("7")),
            at(2, "their own", tenant="theirs"),
        ]
        await repository.put(exchanges)
        scope = Scope(tenants=frozenset({"ours", "absent"}))
        assert await self.conversations(repository, _ALL, scope=scope) == [conversation_of(exchanges[:1])]
        assert await self.conversations(repository, ExchangeFilter(tenant="theirs"), scope=scope) == []
        assert await self.conversations(repository, _ALL, scope=Scope(tenants=frozenset())) == []

    @pytest.mark.parametrize("seed", range(2))
    async def test_conversations_are_those_of_the_exchanges_there_are(
        self, repository: TraceRepository, seed: int
    ) -> None:
        chance = random.Random(seed)  # noqa: S311  # no secret
        kept: list[Exchange] = []
        for _ in range(3):
            kept += (new := [_random(chance) for _ in range(40)])
            await repository.put(new)
            await self.same_conversations(repository, chance, kept)
            wanted = _filter(chance)
            await repository.delete(_EVERYONE, wanted)
            kept = [one for one in kept if not _wants(one, _EVERYONE, wanted)]
            await self.same_conversations(repository, chance, kept)
        await repository.delete(_EVERYONE, _ALL)
        assert await self.conversations(repository, _ALL) == []

    async def same_conversations(
        self, repository: TraceRepository, chance: random.Random, kept: Sequence[Exchange]
    ) -> None:
        """Ask for some conversations, and look for them in the exchanges."""
        for _ in range(10):
            wanted = _filter(chance)
            scope = Scope(tenants=frozenset({"acme"})) if chance.random() < 0.2 else _EVERYONE
            rows = await self.conversations(repository, wanted, scope=scope, limit=chance.choice([1, 3, 50]))
            assert rows == _listed(kept, scope, wanted), wanted

    async def test_conversations_refuse_what_makes_no_sense(self, repository: TraceRepository) -> None:
        with pytest.raises(StorageError):
            await repository.conversations(_EVERYONE, _ALL, limit=0)
        with pytest.raises(StorageError):
            await repository.conversations(_EVERYONE, ExchangeFilter(text="said"), limit=1)
        with pytest.raises(StorageError):
            await repository.conversations(_EVERYONE, ExchangeFilter(until=datetime(2026, 1, 1)), limit=1)  # meant
        with pytest.raises(StorageError):
            await repository.conversations(_EVERYONE, _ALL, limit=1, cursor="no cursor")
