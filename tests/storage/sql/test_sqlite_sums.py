"""The sums kept beside exchanges: what their check finds, and that old databases are given the right ones."""

import random
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from midwatch_core.finding_listing import FindingFilter
from midwatch_core.model.cost import CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part
from midwatch_core.model.timing import Timing
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import BEGINNING, make_cost, make_exchange
from midwatch_sql.location import Location
from midwatch_sql.migrations.running import downgrade, upgrade
from midwatch_sql.traces import SqliteTraces

FLAT = replace(make_cost("0.25"), basis=CostBasis.API_EQUIVALENT)


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[SqliteTraces]:
    repository = SqliteTraces(Location(path=tmp_path / "midwatch.db"))
    await repository.start()
    yield repository
    await repository.close()


def findings_of(chance: random.Random, number: int) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            id=f"{number}-{place}",
            rule=chance.choice(("pack/a", "pack/b")),
            category="secret",
            severity=chance.choice(list(Severity)),
            confidence=0.5,
            message="a key",
            owasp=("LLM02:2025",),
            part=chance.choice([Part.USER, None]),
            path="/messages/0",
            start=3,
            end=9,
            evidence=chance.choice(["sk-…", None]),
            plugin="rules",
        )
        for place in range(chance.choice([0, 0, 1, 3]))
    )


def mixed(count: int) -> list[Exchange]:
    chance = random.Random(7)  # no secret
    return [
        make_exchange(
            model=chance.choice("ab"),
            started_at=BEGINNING - timedelta(hours=chance.randrange(500_000), seconds=number),
            identity=Identity(
                tenant=chance.choice(("acme", "default")), user=chance.choice(("ada", None)), key_id=chance.choice("kl")
            ),
            cost=chance.choice([None, make_cost("0.5"), make_cost("0.00000000000000001"), FLAT]),
            status=chance.choice([200, 503]),
            timing=Timing(ttft_ms=chance.choice([None, 80.0, 1e6])),
            trace_id=f"trace-{number % 90}",
            findings=findings_of(chance, number),
            verdicts=(Verdict(action=chance.choice([Action.FLAG, Action.BLOCK]), findings=(f"{number}-0",)),),
        )
        for number in range(count)
    ]


async def test_a_check_finds_nothing_where_all_is_well(repository: SqliteTraces) -> None:
    assert await repository.sums_apart() == []
    await repository.put(mixed(200))
    assert await repository.sums_apart() == []
    assert await repository.delete(Scope(), ExchangeFilter(user="ada")) > 0
    assert await repository.sums_apart() == []


async def test_nothing_is_left_of_groups_that_are_gone(repository: SqliteTraces) -> None:
    await repository.put(mixed(100))
    await repository.delete(Scope(), ExchangeFilter())
    connection = sqlite3.connect(repository.database.location.path)
    kept = ("conversations", "findings", "finding_days")
    for table in ("cost_groups", "cost_hours", "cost_days", "pieces", "exchanges", *kept):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("UPDATE cost_hours SET calls = calls + 1 WHERE group_id = 1", "cost_hours"),
        ("UPDATE cost_days SET cost_rest = cost_rest + 1 WHERE group_id = 1", "cost_days"),
        ("DELETE FROM cost_hours WHERE group_id = 1", "cost_hours"),
        (f"INSERT INTO cost_days VALUES (999, 1{', 1' * 22})", "cost_days"),
        ("UPDATE cost_hours SET t3 = t3 + 1 WHERE group_id = 1", "cost_hours"),
        ("UPDATE exchanges SET failed = 1 WHERE id = (SELECT min(id) FROM exchanges)", "cost_days"),
        ("UPDATE conversations SET calls = 2 WHERE last_id = (SELECT max(id) FROM exchanges)", "conversations"),
        ("UPDATE conversations SET last_id = 'x' WHERE last_id = (SELECT max(id) FROM exchanges)", "last_id"),
        ("DELETE FROM conversations WHERE last_id = (SELECT max(id) FROM exchanges)", "conversations"),
        ("DELETE FROM findings WHERE exchange_id = (SELECT min(exchange_id) FROM findings)", "findings"),
        ("UPDATE finding_days SET findings = findings + 1", "finding_days"),
        ("DELETE FROM exchanges WHERE id = (SELECT min(id) FROM exchanges)", "cost_days"),
        ("UPDATE exchanges SET user = 'eve' WHERE id = (SELECT min(id) FROM exchanges)", "group that is not its own"),
        ("UPDATE cost_groups SET calls = calls + 1 WHERE id = 1", "calls of a group"),
        (
            "INSERT INTO cost_groups (level, tenant, calls) SELECT level, tenant, 1 FROM cost_groups WHERE level = 0",
            "kept twice",
        ),
    ],
)
async def test_a_check_finds_what_is_wrong(repository: SqliteTraces, fault: str, found: str) -> None:
    await repository.put(mixed(50))
    connection = sqlite3.connect(repository.database.location.path)
    connection.execute(fault)
    connection.commit()
    connection.close()
    assert any(found in line for line in await repository.sums_apart())


async def test_an_old_database_is_given_groups_and_sums(tmp_path: Path) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    exchanges = mixed(1_200)
    repository = SqliteTraces(location)
    await repository.start()
    await repository.put(exchanges)
    expected = await repository.costs(Scope(), ExchangeFilter(), by=["user", "key_id", "day"])
    await repository.close()
    assert downgrade(location, "traces", "traces_0001") == ("traces_0004", "traces_0003", "traces_0002")
    connection = sqlite3.connect(location.path)
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(exchanges)")}
    assert columns.isdisjoint({"user", "key_id", "group_id", "session"})
    connection.close()
    assert upgrade(location, "traces") == ("traces_0002", "traces_0003", "traces_0004")
    await repository.start()
    assert await repository.sums_apart() == []
    assert await repository.costs(Scope(), ExchangeFilter(), by=["user", "key_id", "day"]) == expected
    page = await repository.list(Scope(), ExchangeFilter(user="ada", key_id="k"), limit=1000)
    wanted = {one.id for one in exchanges if (one.identity.user, one.identity.key_id) == ("ada", "k")}
    assert {row.id for row in page.rows} == wanted
    again = [replace(one, id=f"{one.id}x") for one in exchanges[:50]]
    await repository.put(again)
    assert await repository.sums_apart() == []
    assert await repository.delete(Scope(), ExchangeFilter()) == 1_250
    await repository.close()


async def test_an_older_schema_has_the_same_sums_without_their_basis(tmp_path: Path) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    exchanges = [replace(one, session="s") for one in mixed(400)]
    repository = SqliteTraces(location)
    await repository.start()
    await repository.put(exchanges)
    by = ["tenant", "user", "day"]
    expected = await repository.costs(Scope(), ExchangeFilter(), by=by)
    assert len(await repository.costs(Scope(), ExchangeFilter(), by=["cost_basis"])) == 3
    await repository.close()
    assert downgrade(location, "traces", "traces_0002") == ("traces_0004", "traces_0003")
    assert upgrade(location, "traces") == ("traces_0003", "traces_0004")
    await repository.start()
    assert await repository.sums_apart() == []
    assert await repository.costs(Scope(), ExchangeFilter(), by=by) == expected
    (row,) = await repository.costs(Scope(), ExchangeFilter(), by=["cost_basis"])
    assert row.group == (None,)
    assert await repository.get(Scope(), exchanges[0].id) == exchanges[0]  # its detail still has everything
    await repository.put([replace(one, id=f"{one.id}x") for one in exchanges[:50]])
    assert await repository.sums_apart() == []
    page = await repository.list(Scope(), ExchangeFilter(session="s"), limit=100)
    assert len(page.rows) == 50
    assert await repository.delete(Scope(), ExchangeFilter()) == 450
    assert await repository.sums_apart() == []
    await repository.close()


async def test_a_database_of_the_version_before_is_given_what_people_look_at(tmp_path: Path) -> None:
    location = Location(path=tmp_path / "midwatch.db")
    repository = SqliteTraces(location)
    await repository.start()
    await repository.put(
        [replace(one, error="client disconnected") if n % 7 == 0 else one for n, one in enumerate(mixed(1_300))]
    )
    expected = await shown_by(repository)
    await repository.close()
    assert downgrade(location, "traces", "traces_0003") == ("traces_0004",)
    assert upgrade(location, "traces") == ("traces_0004",)
    await repository.start()
    assert await repository.sums_apart() == []
    assert await shown_by(repository) == expected
    await repository.put(again := [replace(one, id=f"{one.id}x") for one in mixed(50)])
    assert await repository.sums_apart() == []
    assert await repository.delete(Scope(), ExchangeFilter()) == 1_300 + len(again)
    assert await repository.sums_apart() == []
    assert (await repository.findings(Scope(), FindingFilter(), limit=1)).rows == ()
    await repository.close()


async def shown_by(repository: SqliteTraces) -> list[object]:
    scope = Scope()
    found = [
        await repository.activity(scope, ExchangeFilter(), by=["user", "day"]),
        await repository.activity(scope, ExchangeFilter(tenant="acme"), by=[]),
        await repository.conversations(scope, ExchangeFilter(), limit=1_000),
        await repository.findings(scope, FindingFilter(), limit=5_000),
        await repository.finding_counts(scope, FindingFilter(), by=["day", "rule", "action"]),
        await repository.finding_counts(scope, FindingFilter(), by=["severity", "model"]),
    ]
    assert all(found)
    return found
