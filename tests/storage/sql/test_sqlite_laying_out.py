"""A new file gets at once what the migrations would have made of it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from midwatch_core.errors import StorageError
from midwatch_sql import laying_out, open_metadata, open_traces
from midwatch_sql.connecting import open_writer
from midwatch_sql.location import Location
from midwatch_sql.migrating import bring_up_to_date, state_of
from midwatch_sql.migrations.drawing import drawn
from midwatch_sql.migrations.running import downgrade, upgrade
from midwatch_sql.revisions import HEADS, REVISIONS, Part

PARTS: tuple[Part, ...] = ("traces", "metadata")


def made_of(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        schema = connection.execute("SELECT type, name, tbl_name, rtrim(sql, char(10)) FROM sqlite_schema").fetchall()
        noted = [connection.execute(f"SELECT * FROM {part}_version").fetchall() for part in PARTS]
    return [*schema, *noted]


@pytest.mark.parametrize("part", PARTS)
def test_the_schema_is_what_the_migrations_leave(part: Part) -> None:
    written = (laying_out.SCHEMA / f"{part}.sql").read_text(encoding="utf-8")
    assert written == drawn(part), "run: python -m midwatch_sql.migrations.drawing"


async def test_a_new_file_is_as_a_migrated_one(tmp_path: Path) -> None:
    migrated, new = tmp_path / "migrated.db", tmp_path / "new.db"
    for part in PARTS:
        upgrade(Location(path=migrated), part)
    for repository in (open_traces(f"sqlite:///{new}"), open_metadata(f"sqlite:///{new}")):
        assert repository is not None
        await repository.start()
        await repository.close()
    assert made_of(new) == made_of(migrated)
    for part in PARTS:
        downgrade(Location(path=new), part)
        upgrade(Location(path=new), part)
        downgrade(Location(path=migrated), part)
        upgrade(Location(path=migrated), part)
    assert made_of(new) == made_of(migrated)


@pytest.mark.parametrize("part", PARTS)
def test_an_old_file_is_migrated_from_where_it_stands(tmp_path: Path, part: Part) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    upgrade(location, part, next(iter(REVISIONS[part])))
    with closing(open_writer(location)) as connection:
        bring_up_to_date(connection, location, part)
        assert (state_of(connection, part).current, state_of(connection, part).problem) == (HEADS[part], None)


async def test_what_fails_midway_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    whole = (laying_out.SCHEMA / "traces.sql").read_text()
    (schema / "traces.sql").write_text(whole.replace("CREATE TABLE finding_days", "CREATE TABLE findings"))
    path = tmp_path / "midwatch.db"
    broken = open_traces(f"sqlite:///{path}")
    assert broken is not None
    with monkeypatch.context() as patched:
        patched.setattr(laying_out, "SCHEMA", schema)
        with pytest.raises(StorageError, match="findings"):
            await broken.start()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    whole_one = open_traces(f"sqlite:///{path}")
    assert whole_one is not None
    await whole_one.start()
    await whole_one.close()
