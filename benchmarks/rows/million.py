"""Listing and summing up a million exchanges in the SQLite store: any filter, first page and later ones, any sums.

Findings and conversations as well: one call in ten has a finding, and a conversation has eight calls.
"""

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
from midwatch_core.finding_listing import FindingFilter
from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part
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
_TURNS = 8
_ADDED = (
    "key_id",
    "user",
    "group_id",
    "cost_basis",
    "session",
    "turn",
    "linked_by",
    "parent_id",
    "tool_spans",
    "failed",
)
_RULES = tuple((f"pack-{number % 4}/rule-{number}", f"category-{number % 8}") for number in range(40))


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
    return [replace(one, findings=(_finding(chance),)) if chance.random() < 0.1 else one for one in made]


def _finding(chance: random.Random) -> Finding:
    rule, category = chance.choice(_RULES)
    return Finding(
        id=f"finding-{chance.randrange(10**9)}",
        rule=rule,
        category=category,
        severity=chance.choice(list(Severity)),
        confidence=0.8,
        message="Asks the model to drop its instructions",
        evidence="ignore all previous …",
        part=Part.USER,
        path="/messages/1/content",
        plugin="rules",
    )


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
        for name in _ADDED:
            values.pop(name, None)
    first = microseconds(BEGINNING)
    step, values = DAYS * 86_400_000_000 // count, kinds[0]
    for number in range(count):
        if number % _TURNS == 0:  # a conversation is one caller's; some call far more than others
            values = kinds[int(chance.random() ** 2 * len(kinds))]
        values["id"] = f"0190{number:04x}-0000-7000-8000-{number:012x}"
        values["trace_id"] = f"trace-{number // _TURNS}"
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


def finding_pages() -> Iterator[tuple[str, FindingFilter]]:
    """The first page of any filter, on the frequent and the rare."""
    wanted: dict[str, dict[str, Any]] = {
        "none": {},
        "category": {"category": "category-3"},
        "rule": {"rule": "pack-1/rule-5"},
        "severity": {"severity": Severity.CRITICAL},
        "tenant": {"tenant": "tenant-3"},
        "model, app": {"model": "gpt-5", "app": "mail"},
        "absent rule": {"rule": "none"},
        "month": {"until": BEGINNING + timedelta(days=40, minutes=7)},
    }
    for name, values in wanted.items():
        yield name, FindingFilter(**values)


def finding_sums() -> Iterator[tuple[str, FindingFilter, tuple[str, ...]]]:
    """What the pages of the console ask of a month: a third of all findings."""
    since = BEGINNING + timedelta(days=DAYS - 30, minutes=7)
    for tenant in (None, "tenant-3"):
        for by in (("category",), ("day", "category"), ("rule",), ("severity",), ("model",)):
            yield f"{tenant}, month, by {', '.join(by)}", FindingFilter(since=since, tenant=tenant), by


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
    activity = {
        name: partial(repository.activity, Scope(), wanted, by=by) for name, wanted, by in summings() if len(by) < 2
    }
    conversations = {
        name: partial(repository.conversations, Scope(), wanted, limit=100, cursor=cursor)
        for name, wanted, cursor in listings()
    }
    findings = {name: partial(repository.findings, Scope(), wanted, limit=100) for name, wanted in finding_pages()}
    counts = {name: partial(repository.finding_counts, Scope(), wanted, by=by) for name, wanted, by in finding_sums()}
    return [
        *_rows("list", await timed(lists, rounds)),
        *_rows("costs", await timed(costs, rounds)),
        *_rows("activity", await timed(activity, rounds)),
        *_rows("conversations", await timed(conversations, rounds)),
        *_rows("findings", await timed(findings, rounds)),
        *_rows("finding counts", await timed(counts, rounds)),
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
