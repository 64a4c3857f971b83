"""What a repository asks of a database, statement by statement, whichever engine answers: no driver is known here.

A dialogue is a generator: it yields a statement, is sent the rows that came of it, and returns its result. It is run
in one transaction; a driver for SQLite is `metadata_sqlite`, one for PostgreSQL `postgres_store`.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch_sql.columns import ColumnSpec, names

type Rows = Sequence[Sequence[Any]]
type Dialogue[Result] = Generator[Statement, Rows, Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """SQL that SQLite and PostgreSQL share; `:name` stands for a value."""

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


def insert(table: str, columns: Sequence[ColumnSpec]) -> str:
    """The SQL that adds a row."""
    marks = ", ".join(f":{column.name}" for column in columns)
    return f"INSERT INTO {table} ({names(columns)}) VALUES ({marks})"  # noqa: S608  # names of ours


def replace(table: str, columns: Sequence[ColumnSpec]) -> str:
    """The SQL that adds a row, in place of the one with its key."""
    keys = names([column for column in columns if column.key])
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in columns if not column.key)
    return f"{insert(table, columns)} ON CONFLICT ({keys}) DO UPDATE SET {changes}"


def chosen(table: str, columns: Sequence[ColumnSpec]) -> str:
    """The SQL that reads columns, up to its conditions."""
    return f"SELECT {names(columns)} FROM {table}"  # noqa: S608  # names of ours
