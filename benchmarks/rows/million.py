"""Listing and summing up a million exchanges in the SQLite store: any filter, first page and later ones, any sums.

Findings and conversations as well: one call in ten has a finding, and a conversation has eight calls.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from itertools import combinations, product
from typing import Any

from benchmarks.kept import DAYS, EXCHANGES_KEPT, FIRST, kept
from benchmarks.row import Row, at_most
from benchmarks.session import Session
from midwatch_core.cursor import encode_cursor
from midwatch_core.finding_listing import FindingFilter
from midwatch_core.model.finding import Severity
from midwatch_core.ports import COST_KEYS, ExchangeFilter, Scope, TraceRepository
from midwatch_sql import open_traces

MOST_MS = 300.0


def listings() -> Iterator[tuple[str, ExchangeFilter, str | None]]:
    """Every single filter, on the frequent and the rare, and pairs: the first page, and one from the middle on."""
    middle = FIRST + timedelta(days=DAYS / 2)
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
    first = FIRST + timedelta(days=40, minutes=7)
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
        "month": {"until": FIRST + timedelta(days=40, minutes=7)},
    }
    for name, values in wanted.items():
        yield name, FindingFilter(**values)


def finding_sums() -> Iterator[tuple[str, FindingFilter, tuple[str, ...]]]:
    """What the pages of the console ask of a month: a third of all findings."""
    since = FIRST + timedelta(days=DAYS - 30, minutes=7)
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
    repository = open_traces(f"sqlite:///{kept(session)}?mode=ro")
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
