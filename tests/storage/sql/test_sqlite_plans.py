"""How SQLite goes about the questions: by an index, and never by sorting, or reading, every exchange there is."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from midwatch_core.cursor import encode_cursor
from midwatch_core.ports import COST_KEYS, ExchangeFilter, Scope
from midwatch_core.testing.factories import BEGINNING, make_exchange
from midwatch_sql import finding
from midwatch_sql.costing import Costs
from midwatch_sql.finding import newest_keys, some_ids
from midwatch_sql.location import Location
from midwatch_sql.traces import SqliteTraces

EVERYONE, SOME = Scope(), Scope(tenants=frozenset({"a", "default"}))
FILTERS = [
    ExchangeFilter(tenant="default"),
    ExchangeFilter(provider="openai"),
    ExchangeFilter(model="gpt-5-mini"),
    ExchangeFilter(app="editor"),
    ExchangeFilter(agent="coder"),
    ExchangeFilter(status=200),
    ExchangeFilter(key_id="k"),
    ExchangeFilter(user="u"),
    ExchangeFilter(client="127.0.0.1"),
    ExchangeFilter(model="gpt-5-mini", status=200, since=BEGINNING),
]
CURSOR = encode_cursor(BEGINNING.replace(year=2100), "")


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    repository = SqliteTraces(Location(path=tmp_path / "midwatch.db"))
    await repository.start()
    await repository.put([make_exchange() for _ in range(20)])
    await repository.close()
    connection = sqlite3.connect(tmp_path / "midwatch.db")
    yield connection
    connection.close()


@contextmanager
def plans(connection: sqlite3.Connection) -> Iterator[list[str]]:
    """The plans of what is asked over this connection meanwhile."""
    asked: list[str] = []
    steps: list[str] = []
    connection.set_trace_callback(asked.append)
    yield steps
    connection.set_trace_callback(None)
    for query in asked:
        if query.startswith("SELECT"):
            steps += [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
@pytest.mark.parametrize("scope", [EVERYONE, SOME], ids=["all", "scope"])
@pytest.mark.parametrize("cursor", [None, CURSOR], ids=["first", "later"])
@pytest.mark.parametrize("most", [finding.MOST_BY_GROUP, 0], ids=["few", "many"])
def test_keys_come_from_an_index_alone(
    connection: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    wanted: ExchangeFilter,
    scope: Scope,
    cursor: str | None,
    most: int,
) -> None:
    monkeypatch.setattr(finding, "MOST_BY_GROUP", most)
    with plans(connection) as steps:
        newest_keys(connection, scope, wanted, limit=10, cursor=cursor)
    asked = [step for step in steps if " exchanges" in step]
    assert asked
    assert all("COVERING INDEX" in step for step in asked)
    if any("exchanges_by_start" in step for step in asked):
        assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("scope", [EVERYONE, SOME], ids=["all", "scope"])
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (ExchangeFilter(trace_id="t"), "exchanges_by_trace (trace_id=?)"),
        (ExchangeFilter(session="s"), "exchanges_by_session (session=?)"),
        (ExchangeFilter(session="s", trace_id="t", user="u"), "exchanges_by_trace (trace_id=?)"),
    ],
    ids=["trace", "session", "both"],
)
def test_a_conversation_comes_from_its_index(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, index: str
) -> None:
    with plans(connection) as steps:
        newest_keys(connection, scope, wanted, limit=10, cursor=None)
    assert any(index in step for step in steps)
    assert not any(step == "USE TEMP B-TREE FOR ORDER BY" for step in steps)
    with plans(connection) as steps:
        some_ids(connection, scope, wanted, limit=10, last=1000)
    assert any(index in step for step in steps)
    with plans(connection) as steps:
        Costs(["day"]).add_wanted(connection, scope, wanted)
    asked = [step for step in steps if " exchanges" in step]
    assert asked
    assert all("exchanges_by_trace (" in step or "exchanges_by_session (" in step for step in asked)


def test_the_newest_of_all_are_not_sorted(connection: sqlite3.Connection) -> None:
    for cursor in (None, CURSOR):
        with plans(connection) as steps:
            newest_keys(connection, EVERYONE, ExchangeFilter(), limit=10, cursor=cursor)
        assert len(steps) == 1
        assert "COVERING INDEX exchanges_by_start" in steps[0]


@pytest.mark.parametrize("wanted", [ExchangeFilter(), *FILTERS], ids=str)
def test_what_is_deleted_is_found_without_sorting(connection: sqlite3.Connection, wanted: ExchangeFilter) -> None:
    with plans(connection) as steps:
        some_ids(connection, SOME, wanted, limit=10, last=1000)
    assert any("COVERING INDEX exchanges_by_group" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("key", [None, *COST_KEYS])
@pytest.mark.parametrize("wanted", [ExchangeFilter(), *FILTERS], ids=str)
def test_sums_never_read_all_exchanges(connection: sqlite3.Connection, wanted: ExchangeFilter, key: str | None) -> None:
    with plans(connection) as steps:
        Costs([key] if key else []).add_wanted(connection, SOME, wanted)
    asked = [step for step in steps if " exchanges" in step]
    assert asked
    assert all("exchanges_of_fine_cost" in step or "exchanges_by_start (started_at>? AND" in step for step in asked)
