"""Writes `schema/`, after a new revision: `python -m midwatch_sql.migrations.drawing`."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from midwatch_sql.laying_out import SCHEMA
from midwatch_sql.location import Location
from midwatch_sql.migrations.running import upgrade
from midwatch_sql.revisions import HEADS, REVISIONS, Part, version_table

_HEADER = "-- Made from the migrations: python -m midwatch_sql.migrations.drawing\n"
_MADE = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"


def drawn(part: Part) -> str:
    """The statements that make what all migrations of a part leave in a new SQLite file."""
    with TemporaryDirectory() as folder:
        location = Location(path=Path(folder) / "drawn.db")
        upgrade(location, part)
        with closing(sqlite3.connect(location.path)) as connection:
            made = [str(sql).rstrip() for (sql,) in connection.execute(_MADE)]
    noted = f"INSERT INTO {version_table(part)} (version_num) VALUES ('{HEADS[part]}')"  # noqa: S608  # names of ours
    return "".join((_HEADER, *(f"{statement};\n" for statement in (*made, noted))))


def main() -> int:
    """Write a file for each part."""
    for part in REVISIONS:
        (SCHEMA / f"{part}.sql").write_text(drawn(part), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
