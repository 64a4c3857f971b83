"""Deleting: rows, texts that nothing refers to any more, and the hourly sums, also where it was cut short."""

import asyncio
from dataclasses import replace

import pytest

from midwatch_clickhouse import sweeping
from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.model.identity import Identity
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange
from tests.storage.clickhouse.test_clickhouse_replay import count, some, sums_of_rows, sums_of_view

EVERYONE = Scope()


async def texts(connection: Connection) -> set[str]:
    return {str(body) for (body,) in await connection.rows("SELECT DISTINCT body FROM texts")}


async def test_sums_are_corrected(repository: ClickHouseTraces, direct: Connection) -> None:
    await repository.put(some(60))
    assert await repository.delete(EVERYONE, ExchangeFilter(user="u1")) == 12
    assert await repository.delete(Scope(tenants=frozenset({"a"})), ExchangeFilter(model="m2")) > 0
    assert await sums_of_view(direct) == await sums_of_rows(direct)
    assert await repository.delete(EVERYONE, ExchangeFilter(user="u1")) == 0


async def test_texts_go_with_their_last_exchange_of_a_tenant(repository: ClickHouseTraces, direct: Connection) -> None:
    first, second = make_exchange(answer="both say this"), make_exchange(answer="both say this")
    other = replace(make_exchange(answer="both say this"), identity=Identity(tenant="other"))
    alone = make_exchange(messages=[("user", "only here")], answer="both say this")
    await repository.put([first, second, other, alone])
    await repository.delete(EVERYONE, ExchangeFilter(trace_id=alone.trace_id))
    assert "only here" not in await texts(direct)
    await repository.delete(EVERYONE, ExchangeFilter(tenant="default"))
    assert await texts(direct) == {"both say this", "You are terse.", "What is the capital of France?"}
    assert await repository.get(EVERYONE, other.id) == other
    await repository.delete(EVERYONE, ExchangeFilter())
    assert await texts(direct) == set()


async def test_a_deletion_that_was_cut_short_is_finished_by_the_next(
    repository: ClickHouseTraces, direct: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = some(40)
    await repository.put(batch)
    finish = sweeping._mutate

    async def dies(*_: object) -> None:
        raise StorageUnavailableError("the power went")

    monkeypatch.setattr(sweeping, "_mutate", dies)
    with pytest.raises(StorageUnavailableError):
        await repository.delete(EVERYONE, ExchangeFilter(user="u2"))
    monkeypatch.setattr(sweeping, "_mutate", finish)
    assert await sums_of_view(direct) != await sums_of_rows(direct)  # taken out already, and still there
    assert await repository.delete(EVERYONE, ExchangeFilter(user="nobody")) == 0
    assert await count(direct) == 32
    assert await sums_of_view(direct) == await sums_of_rows(direct)
    ((left,),) = await direct.rows("SELECT count() FROM deletions WHERE id != ''")
    assert left == 0


async def test_a_batch_that_meets_a_deletion_keeps_its_texts(url: str, direct: Connection) -> None:
    writer, sweeper = ClickHouseTraces(parse_url(url)), ClickHouseTraces(parse_url(url))
    await writer.start()
    await sweeper.start()

    async def write() -> list[str]:
        ids = []
        for _ in range(25):
            exchange = make_exchange(answer="said again and again")
            await writer.put([exchange])
            ids.append(exchange.id)
        return ids

    async def clear() -> None:
        for _ in range(4):
            await sweeper.delete(EVERYONE, ExchangeFilter())

    ids, _ = await asyncio.gather(write(), clear())
    left = [await writer.get(EVERYONE, exchange_id) for exchange_id in ids]
    assert sum(one is not None for one in left) == await count(direct)
    assert await sums_of_view(direct) == await sums_of_rows(direct)
    await writer.close()
    await sweeper.close()
