"""The newest schema for a SQLite file in which a part is not yet: what all its migrations leave, in one go.

alembic and SQLAlchemy take most of a second to import, and a first start needs neither. The statements are in
`schema/`; `migrations.drawing` writes them, and a test holds them to the migrations.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from midwatch_sql.revisions import Part

SCHEMA = Path(__file__).parent / "schema"


def lay_out(connection: sqlite3.Connection, part: Part) -> None:
    """Make a part's tables and note their revision, in the connection's transaction. Raises sqlite3.Error, OSError."""
    for statement in _statements((SCHEMA / f"{part}.sql").read_text(encoding="utf-8")):
        connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    """One at a time: `executescript` would end the transaction."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
