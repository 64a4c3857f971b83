"""A SQLite file of a million exchanges, made once a run for all benchmarks that ask it.

They are of the ninety days up to now, of 500 users of 20 tenants, eight to a conversation, one in ten with a finding.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.session import Session
from midwatch_core.cursor import microseconds
from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part
from midwatch_core.testing.factories import make_cost, make_exchange
from midwatch_sql.columns import EXCHANGES, PIECES, names
from midwatch_sql.compression import pack, pack_detail
from midwatch_sql.document import take_apart
from midwatch_sql.location import Location
from midwatch_sql.migrations.running import upgrade
from midwatch_sql.rows import values_of

EXCHANGES_KEPT = 1_000_000
DAYS = 90
# What the console shows of the last day or week is there to be shown.
FIRST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
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
_FINDING = b"finding-of-a-kind"
_RULES = tuple((f"pack-{number % 4}/rule-{number}", f"category-{number % 8}") for number in range(40))


def kept(session: Session) -> Path:
    """The file; it lies in the run's folder, and goes with it. Whoever writes works on a copy."""
    path = session.bench.folder / "million.db"
    if not path.exists():
        fill(path, session.scaled(EXCHANGES_KEPT))
    return path


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
        id=_FINDING.decode(),
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
    """A database of so many exchanges of the same few texts, as the first schema held them, brought up to date."""
    location = Location(path=path)
    upgrade(location, "traces", "traces_0001")
    columns = tuple(column for column in EXCHANGES if column.name not in _ADDED)
    connection = sqlite3.connect(path)
    connection.executemany(
        f"INSERT INTO exchanges ({names(columns)}) VALUES ({', '.join('?' * len(columns))})",
        _values(count),
    )
    connection.executemany(f"INSERT OR IGNORE INTO pieces ({names(PIECES)}) VALUES (?, ?, ?, ?, ?)", _texts(count))
    connection.commit()
    connection.close()
    upgrade(location, "traces")


def _values(count: int) -> Iterator[Sequence[Any]]:
    chance = random.Random(5)
    kinds = [_kind(one) for one in callers()]
    first = microseconds(FIRST)
    step, (values, detail) = DAYS * 86_400_000_000 // count, kinds[0]
    for number in range(count):
        if number % _TURNS == 0:  # a conversation is one caller's; some call far more than others
            values, detail = kinds[int(chance.random() ** 2 * len(kinds))]
        values["id"] = exchange_id(number)
        values["trace_id"] = f"trace-{number // _TURNS}"
        values["started_at"] = first + number * step
        values["status"] = chance.choice(_STATUSES)
        if _FINDING in detail:  # a finding has an id of its own
            values["detail"] = pack_detail(detail.replace(_FINDING, f"finding-{number}".encode()))
        yield tuple(values.values())


def _texts(count: int) -> Iterator[Sequence[Any]]:
    """The callers' texts; each counts as used by all."""
    for call in callers():
        for key, piece in take_apart(call).pieces.items():
            yield call.identity.tenant, key, int(piece.kind), count, pack(piece.body)


def exchange_id(number: int) -> str:
    """The id of the n-th exchange, the oldest is 0."""
    return f"0190{number:04x}-0000-7000-8000-{number:012x}"


def _kind(call: Exchange) -> tuple[dict[str, Any], bytes]:
    """The columns of a call, in order, and its detail unpacked."""
    detail = take_apart(call).detail
    values = {**values_of(row_of(call)), "detail": pack_detail(detail)}
    return {name: value for name, value in values.items() if name not in _ADDED}, detail
