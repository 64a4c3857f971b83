import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from midwatch_core.errors import StorageError
from midwatch_core.listing import ExchangeRow
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange
from midwatch_sql import open_metadata, open_traces, tables
from midwatch_sql.columns import ROW
from midwatch_sql.location import Location
from midwatch_sql.migrating import state_of
from midwatch_sql.migrations.running import downgrade, scripts, upgrade
from midwatch_sql.revisions import HEADS, REVISIONS, Part, version_table

PARTS: tuple[Part, ...] = ("traces", "metadata")
START = """
import asyncio, sys
from midwatch_sql import open_metadata, open_traces
async def main():
    for repository in (open_traces(sys.argv[1]), open_metadata(sys.argv[1])):
        print("ready", flush=True)
        sys.stdin.readline()
        await repository.start()
        await repository.close()
asyncio.run(main())
"""


def tables_of(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    connection.close()
    return names


def test_the_row_has_the_columns() -> None:
    assert {column.name for column in ROW} == {field.name for field in fields(ExchangeRow)}


@pytest.mark.parametrize("part", PARTS)
def test_the_head_is_the_newest_script(part: Part) -> None:
    assert scripts(part).get_current_head() == HEADS[part]
    revisions = [script.revision for script in scripts(part).walk_revisions()]
    assert sorted(revisions, reverse=True) == revisions  # compared as text
    assert list(REVISIONS[part]) == revisions[::-1]


@pytest.mark.parametrize("part", PARTS)
def test_each_revision_leaves_what_is_said_of_it(tmp_path: Path, part: Part) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    for number, revision in enumerate(REVISIONS[part], start=1):
        assert upgrade(location, part, revision) == (revision,)
        with closing(sqlite3.connect(location.path, isolation_level=None)) as connection:
            state = state_of(connection, part)
        assert (state.current, state.pending, state.problem) == (revision, tuple(REVISIONS[part])[number:], None)
    for revision in reversed(list(REVISIONS[part])[:-1]):
        downgrade(location, part, revision)
        with closing(sqlite3.connect(location.path, isolation_level=None)) as connection:
            state = state_of(connection, part)
        assert (state.current, state.problem) == (revision, None)


@pytest.mark.parametrize("part", PARTS)
def test_migrations_make_the_tables(tmp_path: Path, part: Part) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    upgrade(location, part)
    metadata = tables.traces if part == "traces" else tables.metadata
    engine = create_engine(f"sqlite:///{location.path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": version_table(part)})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_up_and_down_part_by_part(tmp_path: Path) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    for part in PARTS:
        upgrade(location, part)
        upgrade(location, part)
    assert tables_of(location.path) >= {"exchanges", "pieces", "settings", "audit_entries"}
    downgrade(location, "traces")
    assert tables_of(location.path).isdisjoint({"exchanges", "pieces"})
    assert tables_of(location.path) >= {"settings", "audit_entries"}
    upgrade(location, "traces")
    downgrade(location, "metadata")
    assert tables_of(location.path) >= {"exchanges", "pieces"}


async def test_a_database_may_hold_one_part_or_both(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/both.db"
    for repository in (open_metadata(url), open_traces(url), open_traces(url)):
        assert repository is not None
        await repository.start()
        await repository.close()
    alone = open_metadata(f"sqlite:///{tmp_path}/alone.db")
    assert alone is not None
    await alone.start()
    await alone.close()
    assert "exchanges" not in tables_of(tmp_path / "alone.db")


@pytest.mark.parametrize("mode", ["", "?mode=ro"])
async def test_a_newer_database_is_refused(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "midwatch.db"
    upgrade(Location(path=path), "traces")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE traces_version SET version_num = 'traces_0999'")
    connection.commit()
    connection.close()
    repository = open_traces(f"sqlite:///{path}{mode}")
    assert repository is not None
    with pytest.raises(StorageError, match=r"newer Midwatch.*traces_0999.*update Midwatch"):
        await repository.start()


async def test_reading_only_never_migrates(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    upgrade(Location(path=path), "metadata")
    repository = open_traces(f"sqlite:///{path}?mode=ro")
    assert repository is not None
    with pytest.raises(StorageError, match="`start` brings it up to date"):
        await repository.start()
    assert "exchanges" not in tables_of(path)


async def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START, f"sqlite:///{path}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for _ in range(2):
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    connection = sqlite3.connect(path)
    assert [state_of(connection, part).current for part in PARTS] == list(HEADS.values())
    connection.close()
    repository = open_traces(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    await repository.put([make_exchange()])
    assert len((await repository.list(Scope(), ExchangeFilter(), limit=5)).rows) == 1
    await repository.close()


@pytest.mark.parametrize("mode", ["", "?mode=ro"])
def test_neither_a_first_start_nor_reading_needs_sqlalchemy_or_alembic(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "midwatch.db"
    if mode:
        upgrade(Location(path=path), "traces")
    code = (
        "import asyncio, sys, midwatch_sql\n"
        "assert 'sqlite3' not in sys.modules, 'the package alone'\n"
        "from midwatch_core.ports import ExchangeFilter, Scope\n"
        "async def main(url):\n"
        "    repository = midwatch_sql.open_traces(url)\n"
        "    await repository.start()\n"
        "    print(await repository.list(Scope(), ExchangeFilter(), limit=5))\n"
        "    await repository.close()\n"
        "asyncio.run(main(sys.argv[1]))\n"
        "print(sorted({'sqlalchemy', 'alembic'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{path}{mode}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "Page(rows=(), cursor=None)\n[]\n")
