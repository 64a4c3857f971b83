"""ClickHouse's engine: exchanges kept a second, and listing and summing up a million of them.

The engine is chdb in a process of its own, behind the small HTTP front that the tests use: what is measured is the
real client, the wire, the front and the engine together, on one machine.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.kept import DAYS, EXCHANGES_KEPT, FIRST, callers
from benchmarks.row import Row, at_most
from benchmarks.rows.million import finding_pages, finding_sums, listings, summings, timed
from benchmarks.session import Session
from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.columns import EXCHANGES, names
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.finding_listing import FindingFilter
from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import make_exchange, prose
from tests.storage.clickhouse.engine import Engine, running_engine

BATCH = 1000
WRITERS = 2
TEXT_BYTES = 5 * 1024
LEAST_A_SECOND = 5_000.0
MOST_MS = 150.0
# What differs from call to call; the rest is one of `callers`.
_NEW = {
    "id": "concat('0190', leftPad(toString(number), 24, '0'))",
    "trace_id": "concat('trace-', toString(intDiv(number, 8)))",
    "started_at": f"addMicroseconds(toDateTime64('{FIRST:%Y-%m-%d %H:%M:%S}', 6, 'UTC'), number * {{step:Int64}})",
    "detail": "''",  # no listing reads it
    "finding_ids": "arrayMap(x -> concat('finding-', toString(number)), kinds.finding_ids)",
    "status": "[200, 429, 503][1 + (number % 100 = 7) + (number % 200 = 7)]",
}


async def measure(session: Session) -> list[Row]:
    """Writes first, then reads of a million rows."""
    with tempfile.TemporaryDirectory() as folder, running_engine(Path(folder)) as engine:
        writes = [await per_second(engine, session.scaled(10_000), run) for run in range(session.runs)]
        rows = [_row(statistics.median(writes))]
        repository = await filled(engine, session.scaled(EXCHANGES_KEPT))
        rows += await _reads(repository, session.runs)
        await repository.close()
    return rows


def new_texts(count: int, seed: int) -> list[Exchange]:
    """Calls of 10 KB of which no text was seen before."""
    return [
        make_exchange(
            messages=[("user", prose(TEXT_BYTES, seed + 2 * number))], answer=prose(TEXT_BYTES, seed + 2 * number + 1)
        )
        for number in range(count)
    ]


async def per_second(engine: Engine, count: int, run: int) -> float:
    """Exchanges a second into a new database, by two writers that share the batches."""
    repository = await _new(engine, f"writes_{run}")
    exchanges = new_texts(count, seed=10)
    batches = [exchanges[first : first + BATCH] for first in range(0, count, BATCH)]

    async def write() -> None:
        while batches:
            await repository.put(batches.pop())

    started = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(WRITERS)))
    seconds = time.perf_counter() - started
    await repository.close()
    return count / seconds


async def _new(engine: Engine, database: str) -> ClickHouseTraces:
    connection = Connection(parse_url(engine.url("default")))
    await connection.open()
    await connection.command(f"CREATE DATABASE {database}")
    await connection.close()
    repository = ClickHouseTraces(parse_url(engine.url(database)))
    await repository.start()
    return repository


async def filled(engine: Engine, count: int) -> ClickHouseTraces:
    """A repository of so many exchanges over 90 days, made inside the engine from a few that were put."""
    repository = await _new(engine, "million")
    await repository.put(callers())
    connection = Connection(parse_url(engine.url("million", "?timeout_s=600")))
    await connection.open()
    await connection.command(
        "CREATE TABLE kinds ENGINE = Memory AS SELECT *, rowNumberInAllBlocks() AS kind FROM exchanges"
    )
    for table in ("exchanges", "hours"):
        await connection.command(f"TRUNCATE TABLE {table}")
    columns = ", ".join(_NEW.get(column.name, f"kinds.`{column.name}`") for column in EXCHANGES)
    # Some call far more than others.
    source = (
        "SELECT number, toUInt64(pow(rand() / 4294967296, 2) * {kinds:UInt64}) AS kind FROM numbers({count:UInt64})"
    )
    await connection.command(
        f"INSERT INTO exchanges ({names(EXCHANGES)}) SELECT {columns} FROM ({source}) AS n JOIN kinds USING (kind)",
        {"kinds": len(callers()), "count": count, "step": DAYS * 86_400_000_000 // count},
    )
    await connection.close()
    return repository


async def _reads(repository: TraceRepository, rounds: int) -> list[Row]:
    rows: list[Row] = []
    for what, calls in _calls(repository).items():
        rows += _percentiles(what, await timed(calls, rounds))
    return rows


def _calls(repository: TraceRepository) -> dict[str, dict[str, Callable[[], Awaitable[object]]]]:
    page = partial(repository.list, Scope(), limit=100)
    absent = ExchangeFilter(text="no such words")
    return {
        "list": {name: partial(page, wanted, cursor=cursor) for name, wanted, cursor in listings()},
        "costs": {
            name: partial(repository.costs, Scope(), wanted, by=by)
            for name, wanted, by in summings()
            if not _gives_nearly_every_row(wanted, by)
        },
        "activity": {
            name: partial(repository.activity, Scope(), wanted, by=by)
            for name, wanted, by in summings()
            if len(by) < 2 and not _gives_nearly_every_row(wanted, by)
        },
        "conversations": {
            name: partial(repository.conversations, Scope(), wanted, limit=100, cursor=cursor)
            for name, wanted, cursor in listings()
        },
        "findings": {
            "one": partial(repository.findings, Scope(), FindingFilter(id="finding-700000"), limit=1),
            **{name: partial(repository.findings, Scope(), wanted, limit=100) for name, wanted in finding_pages()},
        },
        "finding counts": {
            name: partial(repository.finding_counts, Scope(), wanted, by=by) for name, wanted, by in finding_sums()
        },
        "search, one call": {
            "the newest": partial(page, absent),
            "of a model": partial(page, replace(absent, model="gpt-5")),
        },
    }


def _gives_nearly_every_row(wanted: ExchangeFilter, by: Sequence[str]) -> bool:
    # Every hour of every user or key: half a million groups are a matter of reading them, not of finding them.
    return "hour" in by and not {"user", "key_id"}.isdisjoint(by) and (wanted.user, wanted.tenant) == (None, None)


def _percentiles(what: str, seen: dict[str, list[float]]) -> Iterator[Row]:
    figures: Sequence[float] = [figure for figures in seen.values() for figure in figures]
    cuts = statistics.quantiles(figures, n=20)
    slowest = max(seen, key=lambda name: statistics.median(seen[name]))
    yield Row(name=f"ClickHouse engine, a million exchanges: {what}, p50", value=cuts[9], unit="ms")
    yield at_most(f"ClickHouse engine, a million exchanges: {what}, p95", cuts[18], "ms", MOST_MS)
    yield Row(
        name=f"ClickHouse engine, a million exchanges: {what}, slowest kind ({slowest})",
        value=statistics.median(seen[slowest]),
        unit="ms",
    )


def _row(value: float) -> Row:
    return Row(
        name="ClickHouse engine: all texts new, 10 KB, batches of 1,000, two writers",
        value=value,
        unit="exchanges/s",
        target=f"≥ {LEAST_A_SECOND:,.0f}",
        ok=value >= LEAST_A_SECOND,
    )
