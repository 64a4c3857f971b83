"""The two profiles under chaos: what they are made of, how their sums are read behind Midwatch's back."""

from __future__ import annotations

import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from midwatch_clickhouse.columns import HOUR_KEYS, HOUR_SUMS, names
from midwatch_clickhouse.schema import hour_sums
from midwatch_sql.groups import LEVELS
from midwatch_sql.summing import SPLIT
from tests.e2e.chaos.servers import ClickHouse, Freezable, LockedFile, PostgreSQL, Server, Valkey

# The driver's own deadline: a frozen server is noticed in this time.
_CLICKHOUSE_S = 1.5
_DATABASE = "midwatch"
_PICO = Decimal(10) ** -12


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a store's rows come to, and how many of the sums kept beside them say otherwise."""

    rows: int
    distinct: int
    cost_usd: Decimal
    groups: int
    wrong_groups: int


class Profile(Protocol):
    """Stores, and what can be done to them. `migrates`: schemas come by themselves."""

    name: str
    settings: dict[str, Any]
    migrates: bool
    servers: tuple[Server, ...]

    @property
    def traces(self) -> Freezable:
        """The store of exchanges."""
        ...

    def sums(self) -> Sums:
        """Read with a client of our own."""
        ...


class Lite:
    """SQLite in the home, limits in memory. A frozen store is one whose lock another process holds."""

    name = "lite"
    migrates = True
    servers: tuple[Server, ...] = ()

    def __init__(self, home: Path) -> None:
        # SQLite waits ten seconds for its lock: one such wait is enough.
        self.settings: dict[str, Any] = {
            "storage": {"profile": "lite"},
            "breakers": {"failures": 1, "open_s": 1, "probes": 2},
        }
        self.traces = LockedFile(home / "midwatch.db")

    def sums(self) -> Sums:
        """Every hour and day of every group, at each level, against the rows themselves."""
        with closing(sqlite3.connect(f"file:{self.traces.path}?mode=ro", uri=True)) as connection:
            ((rows, distinct, micro, rest),) = connection.execute(
                "SELECT count(*), count(DISTINCT id), coalesce(sum(cost_pico / :split), 0),"
                " coalesce(sum(cost_pico % :split), 0) FROM exchanges",
                {"split": SPLIT},
            )
            checked = [_wrong(connection, level, period) for level in range(len(LEVELS)) for period in ("hour", "day")]
        return Sums(
            rows=rows,
            distinct=distinct,
            cost_usd=(Decimal(micro) * SPLIT + rest) * _PICO,
            groups=sum(groups for groups, _ in checked),
            wrong_groups=sum(wrong for _, wrong in checked),
        )


def _wrong(connection: sqlite3.Connection, level: int, period: str) -> tuple[int, int]:
    """How many sums a level has for its hours or days, and how many of them the rows do not bear out."""
    keys = LEVELS[level]
    size_us = {"hour": 3_600_000_000, "day": 86_400_000_000}[period]
    columns = ", ".join(keys)
    kept = (
        f"SELECT {columns}, {period}, s.calls, input_tokens, output_tokens, cost_micro, cost_rest, unpriced"
        f" FROM cost_groups g JOIN cost_{period}s s ON s.group_id = g.id WHERE g.level = {level}"
    )
    counted = (
        f"SELECT {columns}, started_at / {size_us}, count(*), sum(coalesce(input_tokens, 0)),"
        f" sum(coalesce(output_tokens, 0)), sum(coalesce(cost_pico, 0) / {SPLIT}),"
        f" sum(coalesce(cost_pico, 0) % {SPLIT}), sum(cost_usd IS NULL)"
        f" FROM exchanges GROUP BY {', '.join(str(place + 1) for place in range(len(keys) + 1))}"
    )
    found, expected = (set(connection.execute(query)) for query in (kept, counted))
    return len(expected), len(found ^ expected)


class Production:
    """ClickHouse's engine, PostgreSQL and Valkey, each a process of its own."""

    name = "production"
    migrates = False

    def __init__(self, folder: Path) -> None:
        self.clickhouse = ClickHouse(folder / "clickhouse")
        self.postgres, self.valkey = PostgreSQL(), Valkey()
        self._command(f"CREATE DATABASE {_DATABASE}", database="default")
        secret = folder / "postgres-password"
        secret.write_text(self.postgres.server.password)
        secret.chmod(0o600)
        database = self.postgres.server.url().replace(self.postgres.server.password, f"${{file:{secret}}}")
        self.settings: dict[str, Any] = {
            "storage": {
                "profile": "production",
                "traces": self.clickhouse.engine.url(_DATABASE, f"?timeout_s={_CLICKHOUSE_S}&connect_timeout_s=1"),
                "metadata": database,
                "cache": f"valkey://127.0.0.1:{self.valkey.port}",
            },
            "breakers": {"failures": 2, "open_s": 1, "probes": 2},
        }
        self.traces = self.clickhouse
        self.servers: tuple[Server, ...] = (self.clickhouse, self.postgres, self.valkey)

    def sums(self) -> Sums:
        """What the view has added up against what its own SELECT says of the rows now."""
        keys, sums = names(HOUR_KEYS), [column.name for column in HOUR_SUMS]
        totals = ", ".join(f"sum({name}) AS {name}" for name in sums)
        columns = f"{keys}, {', '.join(sums)}"
        kept = f"SELECT {columns} FROM (SELECT {keys}, {totals} FROM hours GROUP BY {keys})"
        counted = f"SELECT {columns} FROM ({hour_sums('exchanges')})"
        rows, distinct, pico = self._command(
            "SELECT count(), uniqExact(id), sum(toInt128(ifNull(cost_pico, 0))) FROM exchanges"
        ).split()
        return Sums(
            rows=int(rows),
            distinct=int(distinct),
            cost_usd=int(pico) * _PICO,
            groups=self._count(counted),
            wrong_groups=self._count(f"{kept} EXCEPT {counted}") + self._count(f"{counted} EXCEPT {kept}"),
        )

    def close(self) -> None:
        """End all."""
        for server in (self.clickhouse, self.postgres, self.valkey):
            server.close()

    def _count(self, query: str) -> int:
        return int(self._command(f"SELECT count() FROM ({query})"))

    def _command(self, statement: str, database: str = _DATABASE) -> str:
        """A statement over HTTP: its answer's text."""
        place = f"http://127.0.0.1:{self.clickhouse.engine.port}/?{urllib.parse.urlencode({'database': database})}"
        with urllib.request.urlopen(place, statement.encode(), timeout=60) as answer:
            text: str = answer.read().decode()
        return text


@contextmanager
def living(name: str, folder: Path, home: Path) -> Iterator[Profile]:
    """A profile with its servers running."""
    if name == "lite":
        yield Lite(home)
        return
    production = Production(folder)
    try:
        yield production
    finally:
        production.close()
