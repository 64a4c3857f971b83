import asyncio

import pytest

from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.errors import SchemaError, StorageError
from midwatch_core.ports import ExchangeFilter, SchemaState, Scope
from midwatch_core.testing.factories import make_exchange
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


async def test_up_and_down_from_nothing_to_nothing(bare: ClickHouseTraces, direct: Connection) -> None:
    migrations = bare.migrations
    nothing = SchemaState(current=None, head="traces_0002", pending=("traces_0001", "traces_0002"))
    assert await migrations.state() == nothing
    assert await migrations.up() == ("traces_0001", "traces_0002")
    assert (await migrations.state()).is_current
    assert await migrations.up() == ()
    assert await tables(direct) == {"exchanges", "texts", "deletions", "hours", "hours_view", "traces_schema"}
    assert await migrations.down("traces_0001") == ("traces_0002",)
    assert await migrations.state() == SchemaState(current="traces_0001", head="traces_0002", pending=("traces_0002",))
    assert await tables(direct) == {"exchanges", "texts", "deletions", "traces_schema"}
    assert await migrations.down(None) == ("traces_0001",)
    assert await tables(direct) == {"traces_schema"}
    assert await migrations.state() == nothing
    assert await migrations.down(None) == ()


async def test_sums_are_made_of_what_was_there(repository: ClickHouseTraces, direct: Connection) -> None:
    await repository.put(some(30))
    await repository.migrations.down("traces_0001")
    await direct.command("INSERT INTO exchanges SELECT * REPLACE (concat(id, 'x') AS id) FROM exchanges")
    assert await repository.migrations.up() == ("traces_0002",)
    assert await sums_of_view(direct) == await sums_of_rows(direct)
    (row,) = await repository.costs(Scope(), ExchangeFilter(), by=[])
    assert row.calls == 60


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
        SchemaError, match="its traces are at nothing, this version needs traces_0002: run `midwatch migrate up`"
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
    await note(direct, "traces_0003", "done")
    state = await bare.migrations.state()
    assert state.problem == "written by a newer Midwatch (at traces_0003, this one knows traces_0002): update Midwatch"
    for attempt in (bare.migrations.up(), bare.migrations.down(None), bare.start(), bare.start(migrate=False)):
        with pytest.raises(SchemaError, match="written by a newer Midwatch"):
            await attempt
    assert "exchanges" in await tables(direct)


@pytest.mark.parametrize("step", ["begin", "undo"])
async def test_half_a_migration_is_told_and_finished(bare: ClickHouseTraces, direct: Connection, step: str) -> None:
    await bare.migrations.up()
    await direct.command("DROP VIEW hours_view SYNC")
    await note(direct, "traces_0002", step)
    state = await bare.migrations.state()
    assert state.problem is not None
    assert "traces_0002 was begun and not finished" in state.problem
    assert not state.is_current
    with pytest.raises(SchemaError, match="was begun and not finished"):
        await bare.start(migrate=False)
    assert await bare.migrations.up() == ("traces_0002",)
    assert "hours_view" in await tables(direct)
    await bare.start(migrate=False)


async def test_an_unknown_revision(bare: ClickHouseTraces) -> None:
    with pytest.raises(StorageError, match="known are traces_0001, traces_0002"):
        await bare.migrations.down("traces_9999")
