"""A batch sent again, whole or in part, counts nothing twice: neither in the rows nor in the hourly sums."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.columns import HOUR_KEYS, HOUR_SUMS, names
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.putting import _send_rows, prepare, token_of
from midwatch_clickhouse.schema import hour_sums
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import BEGINNING, make_cost, make_exchange

EVERYONE = Scope()
ALL = ExchangeFilter()


async def sums_of_view(connection: Connection) -> list[Sequence[object]]:
    keys, sums = names(HOUR_KEYS), ", ".join(f"sum(`{column.name}`) AS s_{column.name}" for column in HOUR_SUMS)
    query = f"SELECT {keys}, {sums} FROM hours GROUP BY {keys} HAVING s_calls != 0 ORDER BY {keys}"
    return list(await connection.rows(query))


async def sums_of_rows(connection: Connection) -> list[Sequence[object]]:
    return list(await connection.rows(f"SELECT * FROM ({hour_sums('exchanges')}) ORDER BY {names(HOUR_KEYS)}"))


async def count(connection: Connection) -> int:
    ((number,),) = await connection.rows("SELECT count() FROM exchanges")
    return int(number)


def some(number: int) -> list[Exchange]:
    """Calls over several hours, tenants, models and kinds of costs."""
    return [
        make_exchange(
            tenant="ab"[index % 2],
            model=f"m{index % 3}",
            started_at=BEGINNING + timedelta(minutes=17 * index),
            identity=Identity(tenant="ab"[index % 2], app=None if index % 4 else "mail", user=f"u{index % 5}"),
            cost=(make_cost("0.25"), None, make_cost("0.0000000000000001"))[index % 3],
        )
        for index in range(number)
    ]


async def test_the_views_sums_equal_the_rows(repository: ClickHouseTraces, direct: Connection) -> None:
    await repository.put(some(60))
    await repository.put(some(40))
    rows = await sums_of_rows(direct)
    assert len(rows) > 20
    assert await sums_of_view(direct) == rows
    assert await repository.sums_apart() == []


async def test_sums_that_are_off_are_told(repository: ClickHouseTraces, direct: Connection) -> None:
    await repository.put([make_exchange(identity=Identity(tenant="acme", user="ada"))])
    await direct.command("INSERT INTO hours SELECT * REPLACE (2 AS calls, 7 AS input_tokens) FROM hours")
    (line,) = await repository.sums_apart()
    assert line.startswith("2026-03-01T")
    assert "acme" in line
    assert "calls +2, input_tokens +7" in line


async def test_a_batch_sent_again_counts_once(repository: ClickHouseTraces, direct: Connection) -> None:
    batch = some(50)
    for _ in range(3):
        await repository.put(batch)
    assert await count(direct) == 50
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_a_batch_sent_again_by_another_process_counts_once(
    url: str, repository: ClickHouseTraces, direct: Connection
) -> None:
    batch = some(50)
    await repository.put(batch)
    other = ClickHouseTraces(parse_url(url))
    await other.start()
    await other.put(batch)
    await other.close()
    assert await count(direct) == 50
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_what_overlaps_is_left_and_the_rest_is_kept(repository: ClickHouseTraces, direct: Connection) -> None:
    batch = some(30)
    await repository.put(batch[:20])
    await repository.put(batch[10:])
    await repository.put(batch[5:12])
    await repository.put(list(reversed(batch)))
    assert await count(direct) == 30
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_a_view_that_missed_a_batch_gets_it_when_it_is_sent_again(
    repository: ClickHouseTraces, direct: Connection
) -> None:
    before, batch = some(10), some(25)
    await repository.put(before)
    # The table takes the batch and the view does not: as if the server had gone down in between.
    await direct.command("DETACH TABLE hours_by_basis")
    await repository.put(batch)
    await direct.command("ATTACH TABLE hours_by_basis")
    assert await sums_of_view(direct) != await sums_of_rows(direct)
    await repository.put(batch)
    assert await count(direct) == 35
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_an_insert_that_went_through_unseen_is_not_repeated(
    repository: ClickHouseTraces, direct: Connection
) -> None:
    # The first insert is still on its way when its batch is sent again: the look-up finds nothing, the token does.
    batch = prepare(some(12))
    token = token_of(0, [one.item.row.id for one in batch])
    await _send_rows(direct, batch, token)
    await _send_rows(direct, batch, token)
    assert await count(direct) == 12
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_a_batch_over_two_months_is_one_insert_each(repository: ClickHouseTraces, direct: Connection) -> None:
    edge = datetime(2026, 3, 31, 23, 59, 50, tzinfo=UTC)
    batch = [make_exchange(started_at=edge + timedelta(seconds=number)) for number in range(20)]
    await repository.put(batch)
    found = await direct.rows("SELECT _partition_id, count(), uniqExact(batch) FROM exchanges GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in found] == [("202603", 10, 1), ("202604", 10, 1)]
    await repository.put(batch)
    assert await count(direct) == 20
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_half_of_two_months_is_made_whole_by_sending_it_again(
    repository: ClickHouseTraces, direct: Connection
) -> None:
    edge = datetime(2026, 3, 31, 23, 59, 50, tzinfo=UTC)
    batch = [make_exchange(started_at=edge + timedelta(seconds=number)) for number in range(20)]
    await repository.put(batch[:10])
    await repository.put(batch)
    assert await count(direct) == 20
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_what_was_deleted_can_be_put_again(repository: ClickHouseTraces, direct: Connection) -> None:
    batch = some(8)
    await repository.put(batch)
    assert await repository.delete(EVERYONE, ALL) == 8
    await repository.put(batch)
    assert await count(direct) == 8
    assert await repository.get(EVERYONE, batch[0].id) == batch[0]
    assert await sums_of_view(direct) == await sums_of_rows(direct)


async def test_hours_and_rows_give_the_same_costs(repository: ClickHouseTraces) -> None:
    batch = some(80)
    await repository.put(batch)
    since, until = BEGINNING + timedelta(minutes=95), BEGINNING + timedelta(minutes=905)
    inside = [one for one in batch if since <= one.started_at < until]
    for wanted in (ExchangeFilter(since=since, until=until), ExchangeFilter(since=since, until=until, tenant="a")):
        expected = [one for one in inside if wanted.tenant in (None, one.identity.tenant)]
        rows = await repository.costs(EVERYONE, wanted, by=["model", "user"])
        assert sum(row.calls for row in rows) == len(expected)
        priced = [one.cost.amount for one in expected if one.cost is not None and one.cost.amount is not None]
        assert sum(row.cost_usd for row in rows) == sum(priced)
    narrow = ExchangeFilter(since=since, until=since + timedelta(minutes=10))
    rows = await repository.costs(EVERYONE, narrow, by=["hour"])
    assert sum(row.calls for row in rows) == sum(narrow.since <= one.started_at < narrow.until for one in inside)  # type: ignore[operator]


def test_tokens_are_of_ids_their_order_and_the_deletions_before() -> None:
    token = token_of(0, ["a", "b"])
    assert token == token_of(0, ["a", "b"])
    others = [token_of(0, ["b", "a"]), token_of(0, ["a"]), token_of(0, ["ab"]), token_of(1, ["a", "b"])]
    assert len({token, *others}) == 5


async def test_a_text_is_sent_once_by_one_process(repository: ClickHouseTraces, direct: Connection) -> None:
    for _ in range(5):
        await repository.put([make_exchange(answer="the same answer")])
    ((number,),) = await direct.rows("SELECT count() FROM texts WHERE body = 'the same answer'")
    assert number == 1


async def test_texts_are_once_a_tenant(repository: ClickHouseTraces, direct: Connection) -> None:
    one = make_exchange(answer="shared")
    await repository.put([one, replace(make_exchange(answer="shared"), identity=Identity(tenant="other"))])
    ((number,),) = await direct.rows("SELECT count() FROM texts FINAL WHERE body = 'shared'")
    assert number == 2
