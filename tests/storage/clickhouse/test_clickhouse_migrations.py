import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.conditions import conditions
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.finding_conditions import of_findings, places_of
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.errors import SchemaError, StorageError
from midwatch_core.finding_listing import FINDING_KEYS, FindingFilter, FindingRow, finding_rows
from midwatch_core.model.cost import CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.ports import ExchangeFilter, SchemaState, Scope
from midwatch_core.testing.activity_contract import failing
from midwatch_core.testing.factories import make_cost, make_exchange
from midwatch_core.testing.findings_contract import found
from midwatch_core.testing.whole_exchange import everything
from tests.storage.clickhouse.test_clickhouse_replay import some, sums_of_rows, sums_of_view


@pytest.fixture
async def bare(url: str) -> ClickHouseTraces:
    """A repository that was not started."""
    return ClickHouseTraces(parse_url(url))


async def tables(connection: Connection) -> set[str]:
    found = await connection.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")
    return {str(name) for (name,) in found}


async def note(connection: Connection, revision: str, step: str) -> None:
    await connection.command(f"INSERT INTO traces_schema (revision, step) VALUES ('{revision}', '{step}')")


# 20 conversations one after the other.
FILL = (
    "INSERT INTO exchanges (id, started_at, tenant, detail, {0})"
    " SELECT concat('{1}', toString(number)), fromUnixTimestamp64Micro(1700000000000000 + number, 'UTC'),"
    " 'default', '', concat('{1}', toString(intDiv(number, 1000))) FROM numbers(20000)"
)
ALL = ("traces_0001", "traces_0002", "traces_0003", "traces_0004")


async def columns(connection: Connection, table: str) -> set[str]:
    found = await connection.rows(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        {"table": table},
    )
    return {str(name) for (name,) in found}


async def written(connection: Connection) -> None:
    """Wait until the server has written down what a migration left to it."""
    async with asyncio.timeout(60):
        while await connection.rows(
            "SELECT 1 FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
        ):
            await asyncio.sleep(0.05)


async def test_up_and_down_from_nothing_to_nothing(bare: ClickHouseTraces, direct: Connection) -> None:
    migrations = bare.migrations
    nothing = SchemaState(current=None, head="traces_0004", pending=ALL)
    assert await migrations.state() == nothing
    assert await migrations.up() == ALL
    assert (await migrations.state()).is_current
    assert await migrations.up() == ()
    assert await tables(direct) == {"exchanges", "texts", "deletions", "hours", "hours_by_basis", "traces_schema"}
    assert await migrations.down("traces_0001") == ALL[:0:-1]
    assert await migrations.state() == SchemaState(current="traces_0001", head="traces_0004", pending=ALL[1:])
    assert await tables(direct) == {"exchanges", "texts", "deletions", "traces_schema"}
    assert await migrations.down(None) == ("traces_0001",)
    assert await tables(direct) == {"traces_schema"}
    assert await migrations.state() == nothing
    assert await migrations.down(None) == ()


async def test_sums_are_made_of_what_was_there(repository: ClickHouseTraces, direct: Connection) -> None:
    await repository.put(some(30))
    await repository.migrations.down("traces_0001")
    await direct.command("INSERT INTO exchanges SELECT * REPLACE (concat(id, 'x') AS id) FROM exchanges")
    assert await repository.migrations.up() == ALL[1:]
    assert await sums_of_view(direct) == await sums_of_rows(direct)
    (row,) = await repository.costs(Scope(), ExchangeFilter(), by=[])
    assert row.calls == 60


async def test_the_basis_of_costs_comes_and_goes_with_its_revision(
    repository: ClickHouseTraces, direct: Connection
) -> None:
    flat = replace(make_cost("3"), basis=CostBasis.API_EQUIVALENT)
    mixed = [make_exchange(cost=cost, session="s") for cost in (make_cost("2"), flat, None) for _ in range(4)]
    await repository.put(mixed)
    assert len(await repository.costs(Scope(), ExchangeFilter(), by=["cost_basis"])) == 3
    assert await repository.migrations.down("traces_0002") == ALL[:1:-1]
    assert (await columns(direct, "exchanges") | await columns(direct, "hours")).isdisjoint({"cost_basis", "session"})
    assert await repository.migrations.up() == ALL[2:]
    assert await repository.sums_apart() == []
    (row,) = await repository.costs(Scope(), ExchangeFilter(), by=["cost_basis"])
    assert (row.group, row.calls, row.cost_usd) == ((None,), 12, Decimal(20))
    assert await repository.get(Scope(), mixed[0].id) == mixed[0]  # its detail still has everything
    await repository.put([replace(one, id=f"{one.id}x") for one in mixed])
    await direct.command("OPTIMIZE TABLE hours FINAL")
    assert await repository.sums_apart() == []
    rows = await repository.costs(Scope(), ExchangeFilter(), by=["cost_basis"])
    assert {row.group: row.calls for row in rows} == {(None,): 16, ("metered",): 4, ("api_equivalent",): 4}
    page = await repository.list(Scope(), ExchangeFilter(session="s"), limit=50)
    assert {row.id for row in page.rows} == {f"{one.id}x" for one in mixed}
    assert await repository.delete(Scope(), ExchangeFilter(session="s")) == 12
    assert await repository.sums_apart() == []


@pytest.mark.parametrize(
    "wanted", [ExchangeFilter(trace_id="t7"), ExchangeFilter(session="s7")], ids=["trace", "session"]
)
async def test_a_conversation_is_found_by_an_index_made_for_old_parts_too(
    repository: ClickHouseTraces, direct: Connection, wanted: ExchangeFilter
) -> None:
    await repository.migrations.down("traces_0002")
    await direct.command(FILL.format("trace_id", "t"))
    await repository.migrations.up()
    await direct.command(FILL.format("session", "s"))
    await written(direct)
    asked = conditions(Scope(), wanted)
    explained = await direct.rows(f"EXPLAIN indexes = 1 SELECT id FROM exchanges WHERE {asked.where}", asked.values)
    granules = [str(line).strip() for (line,) in explained if "Granules:" in str(line)]
    read, whole = granules[-1].removeprefix("Granules: ").split("/")
    assert int(read) <= 4 < int(whole)


def of_all_kinds() -> list[Exchange]:
    """Exchanges that failed, were refused and were flagged, in all ways there are."""
    pair = (found(1, message='say "é" \\ 🦉\n\0', confidence=0.1, owasp=("LLM01:2025",), start=0, end=7), found(2))
    named = [
        make_exchange(findings=pair, verdicts=(Verdict(action=action, findings=("finding-1",), dry_run=dry_run), *more))
        for action in Action
        for dry_run in (True, False)
        for more in ((), (Verdict(action=Action.REDACT, findings=("finding-1", "finding-2")),))
    ]
    broken = [make_exchange(status=status, error=error) for status in (None, 399, 400) for error in (None, "", "gone")]
    return [everything(), failing(), failing(type_=None), make_exchange(findings=pair), *named, *broken]


async def test_rows_of_before_say_what_became_of_their_calls(repository: ClickHouseTraces, direct: Connection) -> None:
    exchanges = of_all_kinds()
    await repository.put(exchanges)

    async def told() -> list[object]:
        page = await repository.findings(Scope(), FindingFilter(), limit=500)
        activity = await repository.activity(Scope(), ExchangeFilter(), by=[])
        return [*page.rows, *activity, *await repository.finding_counts(Scope(), FindingFilter(), by=FINDING_KEYS)]

    expected = await told()
    assert {row for row in expected if isinstance(row, FindingRow)} == {
        row for exchange in exchanges for row in finding_rows(exchange)
    }
    assert await repository.migrations.down("traces_0003") == ("traces_0004",)
    assert "finding_ids" not in await columns(direct, "exchanges")
    await direct.command("SYSTEM STOP MERGES exchanges")  # and what the server would write down
    assert await repository.migrations.up() == ("traces_0004",)
    assert await told() == expected
    await direct.command("SYSTEM START MERGES exchanges")
    await written(direct)
    assert await told() == expected
    await repository.put([replace(one, id=f"{one.id}x") for one in exchanges])
    assert sum(row.findings for row in await repository.finding_counts(Scope(), FindingFilter(), by=[])) == 2 * sum(
        len(one.findings) for one in exchanges
    )
    assert await repository.delete(Scope(), ExchangeFilter()) == 2 * len(exchanges)
    assert await told() == []


async def test_a_finding_is_found_by_an_index(repository: ClickHouseTraces, direct: Connection) -> None:
    await direct.command(
        "INSERT INTO exchanges (id, started_at, tenant, detail, findings, finding_ids)"
        " SELECT toString(number), fromUnixTimestamp64Micro(1700000000000000 + number, 'UTC'), 'default', '',"
        " ['r'], [concat('f', toString(number))] FROM numbers(20000)"
    )
    asked = of_findings(Scope(), FindingFilter(id="f7"))
    places = places_of(FindingFilter(id="f7"))
    explained = await direct.rows(
        f"EXPLAIN indexes = 1 SELECT id, {places} FROM exchanges WHERE {asked.where}", asked.values
    )
    granules = [str(line).strip() for (line,) in explained if "Granules:" in str(line)]
    read, whole = granules[-1].removeprefix("Granules: ").split("/")
    assert int(read) <= 4 < int(whole)


async def test_many_at_once_migrate_once(url: str, direct: Connection) -> None:
    repositories = [ClickHouseTraces(parse_url(url)) for _ in range(6)]
    await asyncio.gather(*(one.start() for one in repositories))
    await asyncio.gather(*(one.put([make_exchange() for _ in range(5)]) for one in repositories))
    assert await sums_of_view(direct) == await sums_of_rows(direct)
    for one in repositories:
        assert (await one.migrations.state()).is_current
        await one.close()


async def test_start_without_migrating_says_what_to_run(bare: ClickHouseTraces) -> None:
    with pytest.raises(
        SchemaError, match="its traces are at nothing, this version needs traces_0004: run `midwatch migrate up`"
    ):
        await bare.start(migrate=False)
    await bare.migrations.up()
    await bare.start(migrate=False)


async def test_an_old_schema(bare: ClickHouseTraces) -> None:
    await bare.migrations.up()
    await bare.migrations.down("traces_0001")
    with pytest.raises(SchemaError, match="its traces are at traces_0001"):
        await bare.start(migrate=False)
    await bare.start()
    assert (await bare.migrations.state()).is_current


async def test_a_newer_schema_is_left_alone(bare: ClickHouseTraces, direct: Connection) -> None:
    await bare.migrations.up()
    await note(direct, "traces_0009", "done")
    state = await bare.migrations.state()
    assert state.problem == "written by a newer Midwatch (at traces_0009, this one knows traces_0004): update Midwatch"
    for attempt in (bare.migrations.up(), bare.migrations.down(None), bare.start(), bare.start(migrate=False)):
        with pytest.raises(SchemaError, match="written by a newer Midwatch"):
            await attempt
    assert "exchanges" in await tables(direct)


@pytest.mark.parametrize("step", ["begin", "undo"])
async def test_half_a_migration_is_told_and_finished(bare: ClickHouseTraces, direct: Connection, step: str) -> None:
    await bare.migrations.up()
    await bare.migrations.down("traces_0002")
    await direct.command("DROP VIEW hours_view SYNC")
    await note(direct, "traces_0002", step)
    state = await bare.migrations.state()
    assert state.problem is not None
    assert "traces_0002 was begun and not finished" in state.problem
    assert not state.is_current
    with pytest.raises(SchemaError, match="was begun and not finished"):
        await bare.start(migrate=False)
    assert await bare.migrations.up() == ALL[1:]
    assert "hours_by_basis" in await tables(direct)
    assert "hours_view" not in await tables(direct)
    await bare.start(migrate=False)


async def test_columns_that_were_begun_are_finished(bare: ClickHouseTraces, direct: Connection) -> None:
    await bare.migrations.up()
    await direct.command("ALTER TABLE exchanges DROP INDEX by_session")
    await direct.command("ALTER TABLE exchanges DROP COLUMN session")
    await note(direct, "traces_0003", "begin")
    assert await bare.migrations.up() == ALL[2:]
    assert "session" in await columns(direct, "exchanges")
    await bare.start(migrate=False)


async def test_an_unknown_revision(bare: ClickHouseTraces) -> None:
    with pytest.raises(StorageError, match="known are traces_0001, traces_0002, traces_0003, traces_0004"):
        await bare.migrations.down("traces_9999")
