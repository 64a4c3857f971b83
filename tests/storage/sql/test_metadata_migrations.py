import asyncio
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool

from midwatch_core.cursor import moment_of
from midwatch_core.errors import SchemaError, StorageError
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.document import Report, ReportState
from midwatch_core.ports import Scope
from midwatch_core.testing.audit_contract import check_chain, make_record, whole_log
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.testing.incidents_contract import make_incident
from midwatch_core.testing.metadata_contract import make_tenant
from midwatch_core.testing.reports_contract import make_report
from midwatch_core.testing.sightings_contract import make_sighting
from midwatch_core.testing.triage_contract import make_triage
from midwatch_sql import tables
from midwatch_sql.postgres_address import parse_url
from midwatch_sql.postgres_connecting import make_engine
from tests.storage.sql.databases import Database, PostgresDatabase, metadata_of, migrations_of

OLD, GOVERNED, SEEN, JUDGED, NEW = ALL = tuple(f"metadata_000{number}" for number in range(1, 6))
TABLES = {"settings", "audit_entries", "tenants", "api_keys", "policies", "reports", "sightings", "triage", "incidents"}
START = """
import asyncio, sys
from midwatch_core import AuditRecord, moment_of
from midwatch_sql import open_metadata
async def main():
    repository = open_metadata(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await repository.start()
    for number in range(10):
        await repository.append_audit(AuditRecord(at=moment_of(number), actor="a", action="b", subject="c"))
    await repository.close()
asyncio.run(main())
"""
HALVES = {
    "a table is missing": ["DROP TABLE reports"],
    "a table of the newest is missing": ["DROP TABLE incidents"],
    "a column of the one before is missing": ["ALTER TABLE reports DROP COLUMN state"],
    "no version is noted": [f"DELETE FROM metadata_version WHERE version_num = '{NEW}'"],
    "an older version is noted": [f"UPDATE metadata_version SET version_num = '{OLD}'"],
    "two versions are noted": [f"INSERT INTO metadata_version VALUES ('{OLD}')"],
    "a table of before is there": ["CREATE TABLE audit (number BIGINT)"],
}


def old_record(number: int, subject: str) -> str:
    return f"INSERT INTO audit VALUES ({number}, {number}000001, 'cli', 'set', '{subject}', '{{\"n\":\"{number}\"}}')"


async def old_database(database: Database, numbers: Iterable[int]) -> None:
    await database.migrate_to(OLD)
    await database.change("INSERT INTO settings VALUES ('a', '1')", *(old_record(one, f"s{one}") for one in numbers))


async def test_an_old_audit_log_is_chained_in_its_order(database: Database) -> None:
    await old_database(database, [7, 2, 9, 1])
    migrations = migrations_of(database)
    before = await migrations.state()
    assert (before.current, before.head, before.pending, before.problem) == (OLD, NEW, ALL[1:], None)
    assert await migrations.up() == ALL[1:]
    after = await migrations.state()
    assert (after.current, after.pending, after.is_current) == (NEW, (), True)
    repository = metadata_of(database)
    await repository.start(migrate=False)
    entries = await whole_log(repository)
    assert [entry.record.subject for entry in entries] == ["s1", "s2", "s7", "s9"]
    assert [dict(entry.record.details) for entry in entries] == [{"n": f"{number}"} for number in (1, 2, 7, 9)]
    assert [entry.record.tenant for entry in entries] == [None] * 4
    assert await repository.setting("a") == "1"
    await repository.append_audit(make_record("after", tenant="acme"))
    await check_chain(repository, 5)
    await repository.close()
    assert "audit" not in await database.tables()


async def test_a_long_old_log_is_chained_whole(database: Database) -> None:
    await old_database(database, range(1, 1202))
    repository = metadata_of(database)
    await repository.start()
    await check_chain(repository, 1201)
    await repository.close()


async def test_down_keeps_what_the_old_schema_holds(database: Database) -> None:
    repository = metadata_of(database)
    await repository.start()
    records = [make_record(f"s{number}\0\x01", actor="\x01\0", tenant="acme") for number in range(3)]
    for record in records:
        await repository.append_audit(record)
    await repository.keep_setting("a", "\0")
    await repository.keep_tenant(make_tenant("acme"))
    await repository.close()
    migrations = migrations_of(database)
    assert await migrations.down(OLD) == ALL[:0:-1]
    assert (await migrations.state()).current == OLD
    assert await migrations.down(OLD) == ()
    assert await migrations.up() == ALL[1:]
    await repository.start()
    assert await repository.setting("a") == "\0"
    assert list(await repository.tenants()) == []
    await check_chain(repository, 3)
    plain = AuditRecord(at=BEGINNING, actor="\x01\0", action="set", subject="", details={"é": "\0"})
    expected = [replace(plain, subject=one.subject) for one in records]
    assert [entry.record for entry in await whole_log(repository)] == expected
    await repository.close()


async def test_a_schema_before_the_inventory_keeps_everything_else(database: Database) -> None:
    repository = metadata_of(database)
    await repository.start()
    await repository.append_audit(make_record("s"))
    await repository.keep_tenant(make_tenant("acme"))
    await repository.sight([make_sighting()])
    await repository.close()
    migrations = migrations_of(database)
    assert await migrations.down(GOVERNED) == (NEW, JUDGED, SEEN)
    assert "sightings" not in await database.tables()
    await repository.start()
    assert list(await repository.sightings(Scope(), limit=5)) == []
    assert list(await repository.tenants()) == [make_tenant("acme")]
    await check_chain(repository, 1)
    await repository.sight([make_sighting(), make_sighting()])
    assert [one.connections for one in await repository.sightings(Scope(), limit=5)] == [2]
    await repository.close()


async def test_reports_of_before_are_made_and_of_no_certain_time(database: Database) -> None:
    await database.migrate_to(SEEN)
    await database.change(
        "INSERT INTO reports VALUES ('a', NULL, 'owasp', 'March', 1000000, 'text/html', CAST('<p>' AS "
        + ("BLOB" if database.url.startswith("sqlite") else "BYTEA")
        + "))"
    )
    assert await migrations_of(database).up() == (JUDGED, NEW)
    repository = metadata_of(database)
    await repository.start(migrate=False)
    assert await repository.report(Scope(), "a") == Report(
        id="a",
        tenant=None,
        kind="owasp",
        title="March",
        created_at=moment_of(1_000_000),
        media_type="text/html",
        body=b"<p>",
        state=ReportState.DONE,
    )
    await repository.keep_report(make_report("a", created_at=BEGINNING))
    assert await repository.report(Scope(), "a") == make_report("a", created_at=BEGINNING)
    await repository.close()


async def test_a_schema_before_triage_keeps_the_reports_that_are_made(database: Database) -> None:
    repository = metadata_of(database)
    await repository.start()
    await repository.keep_triage(make_triage("f"))
    made = make_report("made", body=b"\0" * 9000)
    for state in (ReportState.PENDING, ReportState.FAILED):
        await repository.keep_report(make_report(state, state=state, problem="p"))
    await repository.keep_report(replace(made, since=BEGINNING, until=BEGINNING))
    await repository.close()
    migrations = migrations_of(database)
    assert await migrations.down(SEEN) == (NEW, JUDGED)
    assert "triage" not in await database.tables()
    assert await migrations.up() == (JUDGED, NEW)
    await repository.start()
    assert list(await repository.triage(Scope(), ["f"])) == []
    assert list(await repository.reports(Scope(), limit=5)) == [replace(made, body=b"")]
    assert await repository.report(Scope(), "made") == made
    await repository.close()


async def test_a_schema_before_incidents_keeps_everything_else(database: Database) -> None:
    repository = metadata_of(database)
    await repository.start()
    await repository.keep_incident(make_incident("i"))
    await repository.keep_triage(make_triage("f"))
    await repository.close()
    migrations = migrations_of(database)
    assert await migrations.down(JUDGED) == (NEW,)
    assert "incidents" not in await database.tables()
    assert await migrations.up() == (NEW,)
    await repository.start()
    assert await repository.incident(Scope(), "i") is None
    assert list(await repository.triage(Scope(), ["f"])) == [make_triage("f")]
    assert await repository.keep_incident(make_incident("i")) == make_incident("i")
    await repository.close()


async def test_down_to_nothing_and_up_again(database: Database) -> None:
    migrations = migrations_of(database)
    assert await migrations.up() == ALL
    assert await migrations.up() == ()
    assert await database.tables() >= TABLES
    assert await migrations.down(None) == ALL[::-1]
    assert (await database.tables()).isdisjoint(TABLES | {"audit"})
    state = await migrations.state()
    assert (state.current, state.pending, state.problem) == (None, ALL, None)
    assert await migrations.down(None) == ()
    assert await migrations.up() == ALL


async def test_a_revision_there_is_none_of(database: Database) -> None:
    await migrations_of(database).up()
    with pytest.raises(SchemaError, match=f"no revision 'metadata_0009': there are {', '.join(ALL)}"):
        await migrations_of(database).down("metadata_0009")


async def test_down_does_not_go_up(database: Database) -> None:
    await database.migrate_to(OLD)
    with pytest.raises(SchemaError):
        await migrations_of(database).down(NEW)
    assert (await migrations_of(database).state()).current == OLD


@pytest.mark.parametrize("revision", [None, *ALL[:-1]])
async def test_without_migrating_an_old_schema_is_refused_with_the_command(
    database: Database, revision: str | None
) -> None:
    if revision is not None:
        await database.migrate_to(revision)
    repository = metadata_of(database)
    with pytest.raises(SchemaError, match="run: midwatch migrate up"):
        await repository.start(migrate=False)
    with pytest.raises(StorageError, match="not open"):
        await repository.setting("a")
    assert (await migrations_of(database).state()).current == revision
    await repository.start()
    await repository.close()
    await repository.start(migrate=False)
    await repository.close()


@pytest.mark.parametrize(("revision", "reason"), [("metadata_0999", "newer Midwatch"), ("elsewhere", "no revision of")])
async def test_a_schema_of_others_is_left_alone(database: Database, revision: str, reason: str) -> None:
    await migrations_of(database).up()
    await database.change(f"UPDATE metadata_version SET version_num = '{revision}'")
    await refused(database, reason)
    state = await migrations_of(database).state()
    assert (state.current, state.pending, state.is_current) == (revision, (), False)


@pytest.mark.parametrize("half", HALVES)
async def test_half_of_a_migration_is_a_problem(database: Database, half: str) -> None:
    await migrations_of(database).up()
    await database.change(*HALVES[half])
    await refused(database, "half of a migration")


async def test_tables_of_another_application_are_left_alone(database: Database) -> None:
    await database.change("CREATE TABLE settings (theirs TEXT)", "INSERT INTO settings VALUES ('x')")
    await refused(database, "noted at nothing, and there is settings")
    assert await database.tables() == {"settings"}


async def refused(database: Database, reason: str) -> None:
    before = await database.tables()
    repository, migrations = metadata_of(database), migrations_of(database)
    problem = (await migrations.state()).problem
    assert problem is not None
    assert reason in problem
    for attempt in (repository.start(), repository.start(migrate=False), migrations.up(), migrations.down(None)):
        with pytest.raises(SchemaError, match=reason) as raised:
            await attempt
        assert "\n" not in str(raised.value)
    assert await database.tables() == before


async def test_of_several_who_migrate_at_once_one_does(database: Database) -> None:
    done = await asyncio.gather(*(migrations_of(database).up() for _ in range(4)))
    assert sorted(done) == [(), (), (), ALL]


async def test_processes_that_start_at_once_migrate_once(database: Database) -> None:
    await old_database(database, [1, 2])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START, database.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = await asyncio.to_thread(process.communicate, timeout=60)
        assert (process.returncode, errors) == (0, "")
    repository = metadata_of(database)
    await repository.start(migrate=False)
    await check_chain(repository, 32)
    await repository.close()


async def test_migrations_make_the_tables_in_postgresql_too(postgres_url: str) -> None:
    repository = metadata_of(PostgresDatabase(postgres_url))
    await repository.start()
    await repository.close()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": "metadata_version"})
        return list(compare_metadata(context, tables.metadata))

    engine = make_engine(parse_url(postgres_url), timeout_s=30, pool=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_old_records_concern_no_tenant(database: Database) -> None:
    await old_database(database, [1])
    repository = metadata_of(database)
    await repository.start()
    assert list(await repository.audit(Scope(tenants=frozenset({"default"})), limit=5)) == []
    await repository.close()
