"""Listing and summing up a million exchanges in the SQLite store: any filter, first page and later ones, any sums."""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import Any

from benchmarks.row import Row, at_most
from benchmarks.session import Session
from midwatch_core.cursor import encode_cursor, microseconds
from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.ports import COST_KEYS, ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import BEGINNING, make_cost, make_exchange
from midwatch_sql import open_traces
from midwatch_sql.columns import EXCHANGES, names
from midwatch_sql.compression import pack_detail
from midwatch_sql.document import take_apart
from midwatch_sql.location import Location
from midwatch_sql.migrations.running import upgrade
from midwatch_sql.rows import values_of

EXCHANGES_KEPT = 1_000_000
DAYS = 90
MOST_MS = 300.0
# One in so many calls was refused by the provider, or failed there.
_STATUSES = (200,) * 197 + (429, 429, 503)
_MODELS = (
    ("openai", "gpt-5"),
    ("openai", "gpt-5-mini"),
    ("anthropic", "claude-opus-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("gemini", "gemini-3-pro"),
)
_AGENTS, _APPS = ("planner", "coder", "reviewer", None), ("editor", "terminal", "mail")
_ADDED = ("key_id", "user", "group_id")


def callers() -> list[Exchange]:
    """What 500 users of 20 tenants do: three kinds of call each."""
    chance = random.Random(4)
    made = []
    for number, _ in product(range(500), range(3)):
        provider, model = chance.choice(_MODELS)
        who = Identity(
            tenant=f"tenant-{number % 20}",
            key_id=f"key-{number // 2}",
            user=f"user-{number}",
            agent=chance.choice(_AGENTS),
            app=chance.choice(_APPS),
            client=f"10.0.{number // 250}.{number % 250}",
        )
        call = make_exchange(model=model, identity=who, cost=make_cost(f"0.0{chance.randint(1000, 9999)}"))
        made.append(replace(call, endpoint=replace(call.endpoint, provider=provider)))
    return made


def fill(path: Path, count: int) -> None:
    """A database of so many exchanges without texts, as the first schema held them, brought up to date."""
    location = Location(path=path)
    upgrade(location, "traces", "traces_0001")
    columns = tuple(column for column in EXCHANGES if column.name not in _ADDED)
    connection = sqlite3.connect(path)
    connection.executemany(
        f"INSERT INTO exchanges ({names(columns)}) VALUES ({', '.join('?' * len(columns))})",
        _values(count),
    )
    connection.commit()
    connection.close()
    upgrade(location, "traces")


def _values(count: int) -> Iterator[Sequence[Any]]:
    chance = random.Random(5)
    kinds = [{**values_of(row_of(one)), "detail": pack_detail(take_apart(one).detail)} for one in callers()]
    for values in kinds:
        for name in _ADDED[:2]:
            del values[name]
    first = microseconds(BEGINNING)
    step = DAYS * 86_400_000_000 // count
    for number in range(count):
        values = kinds[int(chance.random() ** 2 * len(kinds))]  # some call far more than others
        values["id"] = f"0190{number:04x}-0000-7000-8000-{number:012x}"
        values["trace_id"] = f"trace-{number // 8}"
        values["started_at"] = first + number * step
        values["status"] = chance.choice(_STATUSES)
        yield tuple(values.values())


def listings() -> Iterator[tuple[str, ExchangeFilter, str | None]]:
    """Every single filter, on the frequent and the rare, and pairs: the first page, and one from the middle on."""
    middle = BEGINNING + timedelta(days=DAYS / 2)
    wanted: dict[str, dict[str, Any]] = {
        "none": {},
        "since": {"since": middle},
        "until": {"until": middle},
        "tenant": {"tenant": "tenant-3"},
        "provider": {"provider": "gemini"},
        "model": {"model": "gpt-5"},
        "app": {"app": "mail"},
        "agent": {"agent": "planner"},
        "trace": {"trace_id": f"trace-{EXCHANGES_KEPT // 32}"},
        "status 200": {"status": 200},
        "status 503": {"status": 503},
        "status 418": {"status": 418},
        "key": {"key_id": "key-7"},
        "user": {"user": "user-499"},
        "client": {"client": "10.0.1.7"},
        "tenant, model": {"tenant": "tenant-3", "model": "gpt-5"},
        "tenant, status": {"tenant": "tenant-3", "status": 503},
        "tenant, another's user": {"tenant": "tenant-3", "user": "user-499"},
        "tenant, until": {"tenant": "tenant-3", "until": middle},
        "model, status": {"model": "gpt-5", "status": 429},
        "model, another's provider": {"model": "gpt-5", "provider": "gemini"},
        "app, agent": {"app": "mail", "agent": "planner"},
        "user, model": {"user": "user-7", "model": "gpt-5"},
    }
    cursor = encode_cursor(middle, "")
    for name, values in wanted.items():
        yield name, ExchangeFilter(**values), None
        yield f"{name}, later", ExchangeFilter(**values), cursor


def summings() -> Iterator[tuple[str, ExchangeFilter, tuple[str, ...]]]:
    """Every key alone and in pairs, of everything and of ragged spans, of a tenant, a model, a user and a status.

    By hour and something else of a week: of all ninety days that would be up to 780,000 rows.
    """
    first = BEGINNING + timedelta(days=40, minutes=7)
    month: dict[str, Any] = {"since": first, "until": first + timedelta(days=30, minutes=3)}
    week: dict[str, Any] = {"since": first, "until": first + timedelta(days=7, minutes=3)}
    wanted: dict[str, dict[str, Any]] = {
        "all": {},
        "tenant": {"tenant": "tenant-3"},
        "model": {"model": "gpt-5"},
        "user": {"user": "user-7"},
        "status": {"status": 503},
    }
    spans: dict[str, dict[str, Any]] = {"ever": {}, "month": month, "week": week}
    for (name, values), (span, between) in product(wanted.items(), spans.items()):
        for by in ((), *combinations(COST_KEYS, 1), *combinations(COST_KEYS, 2)):
            if "hour" not in by or len(by) == 1 or span == "week":
                yield f"{name}, {span}, by {', '.join(by)}", ExchangeFilter(**values, **between), by


async def timed(calls: Mapping[str, Callable[[], Awaitable[object]]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by its name."""
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            await call()
            seen.setdefault(name, []).append((time.perf_counter() - started) * 1000)
    return seen


async def measure(session: Session) -> list[Row]:
    """The 50th and 95th percentile over all kinds of question."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "midwatch.db"
        fill(path, session.scaled(EXCHANGES_KEPT))
        repository = open_traces(f"sqlite:///{path}?mode=ro")
        assert repository is not None
        await repository.start()
        rows = await _measured(repository, session.runs)
        await repository.close()
    return rows


async def _measured(repository: TraceRepository, rounds: int) -> list[Row]:
    lists = {
        name: partial(repository.list, Scope(), wanted, limit=100, cursor=cursor) for name, wanted, cursor in listings()
    }
    costs = {name: partial(repository.costs, Scope(), wanted, by=by) for name, wanted, by in summings()}
    return [
        *_rows("list", await timed(lists, rounds)),
        *_rows("costs", await timed(costs, rounds)),
    ]


def _rows(what: str, seen: dict[str, list[float]]) -> Iterator[Row]:
    cuts = statistics.quantiles([figure for figures in seen.values() for figure in figures], n=20)
    slowest = max(seen, key=lambda name: statistics.median(seen[name]))
    yield Row(name=f"SQLite, a million exchanges: {what}, p50", value=cuts[9], unit="ms")
    yield at_most(f"SQLite, a million exchanges: {what}, p95", cuts[18], "ms", MOST_MS)
    yield Row(
        name=f"SQLite, a million exchanges: {what}, slowest kind ({slowest})",
        value=statistics.median(seen[slowest]),
        unit="ms",
    )
