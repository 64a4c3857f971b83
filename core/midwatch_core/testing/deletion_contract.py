# ruff: noqa: D102  # a test's name is its documentation
"""What holds for every TraceRepository's `delete`: part of TraceRepositoryContract."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import BEGINNING, conversation, make_exchange

_EVERYONE = Scope()
_ALL = ExchangeFilter()


def _of_people() -> list[Exchange]:
    """Ten exchanges that differ in what they can be forgotten by; the first of them in everything."""
    plain = make_exchange()
    person = replace(plain.identity, user="ada", key_id="k1", client="10.0.0.9", agent="planner", app="mail")
    made = [
        replace(plain, identity=replace(person, tenant="acme"), trace_id="T", status=500),
        make_exchange(tenant="acme", answer="shared"),
        make_exchange(identity=replace(plain.identity, user="ada")),
        make_exchange(identity=replace(plain.identity, key_id="k1")),
        make_exchange(identity=replace(plain.identity, client="10.0.0.9")),
        make_exchange(identity=replace(plain.identity, agent="planner")),
        make_exchange(identity=replace(plain.identity, app="mail")),
        make_exchange(trace_id="T"),
        make_exchange(status=500),
        make_exchange(answer="the Secret word"),
    ]
    return [replace(one, started_at=BEGINNING + timedelta(minutes=number)) for number, one in enumerate(made)]


class TraceDeletionContract:
    """Deleting by any filter, in scope, with the texts that nothing refers to any more."""

    pytestmark = pytest.mark.asyncio

    @pytest.mark.parametrize(
        ("wanted", "gone"),
        [
            (_ALL, set(range(10))),
            (ExchangeFilter(tenant="acme"), {0, 1}),
            (ExchangeFilter(user="ada"), {0, 2}),
            (ExchangeFilter(key_id="k1"), {0, 3}),
            (ExchangeFilter(client="10.0.0.9"), {0, 4}),
            (ExchangeFilter(agent="planner"), {0, 5}),
            (ExchangeFilter(app="mail"), {0, 6}),
            (ExchangeFilter(trace_id="T"), {0, 7}),
            (ExchangeFilter(status=500), {0, 8}),
            (ExchangeFilter(text="secret WORD"), {9}),
            (ExchangeFilter(user="ada", tenant="acme"), {0}),
            (ExchangeFilter(user="ada", text="secret word"), set()),
            (ExchangeFilter(user="nobody"), set()),
            (ExchangeFilter(until=BEGINNING + timedelta(minutes=2)), {0, 1}),
            (ExchangeFilter(since=BEGINNING + timedelta(minutes=9)), {9}),
            (ExchangeFilter(trace_id="T", until=BEGINNING + timedelta(minutes=2)), {0}),
        ],
    )
    async def test_delete_takes_what_is_wanted_and_only_that(
        self, repository: TraceRepository, wanted: ExchangeFilter, gone: set[int]
    ) -> None:
        exchanges = _of_people()
        await repository.put(exchanges)
        assert await repository.delete(_EVERYONE, wanted) == len(gone)
        assert await repository.delete(_EVERYONE, wanted) == 0
        for number, exchange in enumerate(exchanges):
            assert await repository.get(_EVERYONE, exchange.id) == (None if number in gone else exchange)
        left = await repository.list(_EVERYONE, _ALL, limit=50)
        assert {row.id for row in left.rows} == {one.id for number, one in enumerate(exchanges) if number not in gone}
        assert sum(row.calls for row in await repository.costs(_EVERYONE, _ALL, by=["user"])) == 10 - len(gone)

    async def test_delete_never_leaves_its_scope(self, repository: TraceRepository) -> None:
        exchanges = [make_exchange(tenant=tenant, answer="the same") for tenant in ("a", "b", "c")]
        await repository.put(exchanges)
        assert await repository.delete(Scope(tenants=frozenset()), _ALL) == 0
        assert await repository.delete(Scope(tenants=frozenset({"a"})), ExchangeFilter(tenant="b")) == 0
        assert await repository.delete(Scope(tenants=frozenset({"a"})), ExchangeFilter(text="same")) == 1
        assert await repository.delete(Scope(tenants=frozenset({"b", "absent"})), _ALL) == 1
        assert [await repository.get(_EVERYONE, one.id) for one in exchanges] == [None, None, exchanges[2]]

    async def test_what_was_deleted_can_be_put_again(self, repository: TraceRepository) -> None:
        exchanges = list(conversation(30, characters=40))
        await repository.put(exchanges)
        moment = exchanges[20].started_at
        assert await repository.delete(_EVERYONE, ExchangeFilter(until=moment)) == 20
        for number, exchange in enumerate(exchanges):
            assert await repository.get(_EVERYONE, exchange.id) == (exchange if number >= 20 else None)
        await repository.put(exchanges[:20])
        for exchange in exchanges:
            assert await repository.get(_EVERYONE, exchange.id) == exchange

    async def test_delete_leaves_texts_that_others_share(self, repository: TraceRepository) -> None:
        old, kept = make_exchange(answer="the same"), make_exchange(answer="the same")
        other = make_exchange(answer="the same", tenant="other")
        await repository.put([old, kept, other])
        assert await repository.delete(_EVERYONE, ExchangeFilter(until=kept.started_at)) == 1
        assert await repository.get(_EVERYONE, kept.id) == kept
        assert await repository.get(_EVERYONE, other.id) == other

    @pytest.mark.parametrize("wanted", [ExchangeFilter(until=datetime(2026, 1, 1)), ExchangeFilter(text="")])
    async def test_delete_refuses_what_makes_no_sense(
        self, repository: TraceRepository, wanted: ExchangeFilter
    ) -> None:
        exchange = make_exchange()
        await repository.put([exchange])
        with pytest.raises(StorageError):
            await repository.delete(_EVERYONE, wanted)
        assert await repository.get(_EVERYONE, exchange.id) == exchange
