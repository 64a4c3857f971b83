# ruff: noqa: D102  # a test's name is its documentation
"""What a TraceRepository lists and counts of findings: part of TraceRepositoryContract."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.finding_listing import FINDING_KEYS, FindingFilter, FindingRow, finding_rows
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import BEGINNING, make_exchange
from midwatch_core.testing.whole_exchange import everything

_EVERYONE = Scope()
_ALL = FindingFilter()
# More pages than any test has findings.
_PAGES = 500
_PERIODS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00"}
_VALUES: dict[str, tuple[Any, ...]] = {
    "tenant": ("acme", "default", "other"),
    "app": ("mail", None),
    "agent": ("coder", "planner", None),
    "model": ("big", "small"),
    "category": ("pii", "secret"),
    "rule": ("pack/a", "pack/b", "pack/c"),
    "plugin": ("rules", ""),
}


def found(number: int = 1, **changes: Any) -> Finding:
    """A finding of a rule."""
    plain = Finding(
        id=f"finding-{number}",
        rule="pack/rule",
        category="secret",
        severity=Severity.MEDIUM,
        confidence=0.5,
        message="a key",
        evidence="sk-…",
        plugin="rules",
    )
    return replace(plain, **changes)


def with_findings(number: int, *findings: Finding, **changes: Any) -> Exchange:
    """An exchange that began `number` minutes after the beginning."""
    return make_exchange(started_at=BEGINNING + timedelta(minutes=number), findings=findings, **changes)


def _random(chance: random.Random, number: int) -> Exchange:
    value = {name: chance.choice(values) for name, values in _VALUES.items()}
    beginning = chance.choice([BEGINNING, BEGINNING.replace(hour=0), datetime(1969, 12, 31, tzinfo=UTC)])
    edge = timedelta(microseconds=chance.choice([0, -1, 1, chance.randrange(10**10)]))
    findings = tuple(
        found(
            number * 10 + place,
            **{name: chance.choice(_VALUES[name]) for name in ("category", "rule", "plugin")},
            severity=chance.choice(list(Severity)),
        )
        for place in range(chance.choice([0, 1, 1, 2, 4]))
    )
    named = tuple(finding.id for finding in findings[:2])
    verdicts = (Verdict(action=chance.choice(list(Action)), findings=named, dry_run=chance.random() < 0.2),)
    return make_exchange(
        model=value["model"],
        started_at=beginning + timedelta(hours=chance.randrange(50)) + edge,
        identity=Identity(tenant=value["tenant"], app=value["app"], agent=value["agent"]),
        findings=findings,
        verdicts=verdicts if chance.random() < 0.7 else (),
        trace_id=f"trace-{number % 3}",
    )


def _filter(chance: random.Random, kept: Sequence[Exchange]) -> FindingFilter:
    names = chance.sample(list(_VALUES), chance.choice([0, 0, 1, 1, 2]))
    values = {name: chance.choice([one for one in _VALUES[name] if one is not None]) for name in names}
    moments = [one.started_at for one in kept] or [BEGINNING]
    return FindingFilter(
        **values,
        severity=chance.choice([None, None, *Severity]),
        action=chance.choice([None, None, "flag", "block"]),
        since=chance.choice(moments) if chance.random() < 0.4 else None,
        until=chance.choice(moments) + timedelta(minutes=7) if chance.random() < 0.4 else None,
        exchange_id=chance.choice(kept).id if kept and chance.random() < 0.1 else None,
        trace_id=f"trace-{chance.randrange(4)}" if chance.random() < 0.1 else None,
    )


def _wants(row: FindingRow, scope: Scope, wanted: FindingFilter) -> bool:
    names = ("tenant", "category", "rule", "plugin", "action", "model", "app", "agent", "exchange_id", "trace_id")
    return (
        scope.allows(row.tenant)
        and (wanted.since is None or row.at >= wanted.since)
        and (wanted.until is None or row.at < wanted.until)
        and (wanted.severity is None or Severity(row.severity).rank >= wanted.severity.rank)
        and all(getattr(wanted, name) in (None, getattr(row, name)) for name in names)
    )


def _listed(kept: Sequence[Exchange], scope: Scope, wanted: FindingFilter) -> list[FindingRow]:
    newest = sorted(kept, key=lambda one: (one.started_at, one.id), reverse=True)
    return [row for one in newest for row in finding_rows(one) if _wants(row, scope, wanted)]


def _counted(rows: Sequence[FindingRow], by: Sequence[str]) -> list[tuple[tuple[str | None, ...], int]]:
    groups = Counter(
        tuple(row.at.astimezone(UTC).strftime(_PERIODS[key]) if key in _PERIODS else getattr(row, key) for key in by)
        for row in rows
    )
    return sorted(groups.items(), key=lambda item: (-item[1], tuple(value or "" for value in item[0])))


class TraceFindingsContract:
    """Findings of the exchanges that are kept: in pages, by any filter, counted, and gone with their exchange."""

    pytestmark = pytest.mark.asyncio

    async def listed(
        self, repository: TraceRepository, wanted: FindingFilter, *, scope: Scope = _EVERYONE, limit: int = 3
    ) -> list[FindingRow]:
        """The rows of all pages."""
        rows: list[FindingRow] = []
        cursor = None
        for _ in range(_PAGES):
            page = await repository.findings(scope, wanted, limit=limit, cursor=cursor)
            assert len(page.rows) <= limit
            rows += page.rows
            cursor = page.cursor
            if cursor is None:
                return rows
        raise AssertionError("the pages never end")

    async def test_a_finding_is_listed_with_whose_it_is(self, repository: TraceRepository) -> None:
        exchange = everything()
        await repository.put([exchange])
        page = await repository.findings(_EVERYONE, _ALL, limit=10)
        assert (list(page.rows), page.cursor) == (list(finding_rows(exchange)), None)

    async def test_findings_come_newest_exchange_first_and_in_their_order_there(
        self, repository: TraceRepository
    ) -> None:
        exchanges = [with_findings(minute, *(found(minute * 10 + place) for place in range(4))) for minute in range(3)]
        await repository.put([exchanges[1], make_exchange(), exchanges[0], exchanges[2]])
        expected = [f"finding-{minute * 10 + place}" for minute in (2, 1, 0) for place in range(4)]
        for limit in (1, 2, 3, 4, 5, 100):
            assert [row.id for row in await self.listed(repository, _ALL, limit=limit)] == expected

    async def test_findings_of_one_moment_come_each_once(self, repository: TraceRepository) -> None:
        await repository.put([with_findings(0, found(1), found(2)) for _ in range(5)])
        rows = await self.listed(repository, _ALL, limit=3)
        assert len({(row.exchange_id, row.id) for row in rows}) == len(rows) == 10

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (FindingFilter(tenant="acme"), [1]),
            (FindingFilter(category="pii"), [2]),
            (FindingFilter(severity=Severity.HIGH), [4, 3]),
            (FindingFilter(severity=Severity.CRITICAL), [4]),
            (FindingFilter(rule="pack/other"), [5]),
            (FindingFilter(plugin="acme"), [6]),
            (FindingFilter(action="block"), [7]),
            (FindingFilter(provider="anthropic"), [8]),
            (FindingFilter(model="o9"), [9]),
            (FindingFilter(app="mail"), [10]),
            (FindingFilter(agent="planner"), [11]),
            (FindingFilter(exchange_id="of twelve"), [12]),
            (FindingFilter(trace_id="T"), [13]),
            (FindingFilter(id="finding-3"), [3]),
            (FindingFilter(since=BEGINNING + timedelta(minutes=12)), [13, 12]),
            (FindingFilter(until=BEGINNING + timedelta(minutes=3)), [2, 1]),
            (FindingFilter(severity=Severity.INFO, since=BEGINNING + timedelta(minutes=13)), [13]),
            (FindingFilter(tenant="acme", category="pii"), []),
            (FindingFilter(rule="' OR 1=1 --"), []),
            (FindingFilter(rule="pack/%"), []),
            (FindingFilter(action="BLOCK"), []),
        ],
    )
    async def test_findings_of_a_filter(
        self, repository: TraceRepository, wanted: FindingFilter, expected: list[int]
    ) -> None:
        plain = make_exchange()
        block = (Verdict(action=Action.BLOCK, findings=("finding-7",)),)
        await repository.put(
            [
                with_findings(1, found(1), tenant="acme"),
                with_findings(2, found(2, category="pii")),
                with_findings(3, found(3, severity=Severity.HIGH)),
                with_findings(4, found(4, severity=Severity.CRITICAL)),
                with_findings(5, found(5, rule="pack/other")),
                with_findings(6, found(6, plugin="acme")),
                with_findings(7, found(7), verdicts=block),
                with_findings(8, found(8), endpoint=replace(plain.endpoint, provider="anthropic")),
                with_findings(9, found(9), model="o9"),
                with_findings(10, found(10), identity=replace(plain.identity, app="mail")),
                with_findings(11, found(11), identity=replace(plain.identity, agent="planner")),
                with_findings(12, found(12), id="of twelve"),
                with_findings(13, found(13), trace_id="T"),
            ]
        )
        assert [row.id for row in await self.listed(repository, wanted)] == [f"finding-{number}" for number in expected]
        counts = await repository.finding_counts(_EVERYONE, wanted, by=[])
        assert [count.findings for count in counts] == ([len(expected)] if expected else [])

    async def test_findings_stay_in_scope(self, repository: TraceRepository) -> None:
        await repository.put([with_findings(0, found(1), tenant="ours"), with_findings(1, found(2), tenant="theirs")])
        scope = Scope(tenants=frozenset({"ours", "absent"}))
        assert [row.id for row in await self.listed(repository, _ALL, scope=scope)] == ["finding-1"]
        assert await self.listed(repository, FindingFilter(tenant="theirs"), scope=scope) == []
        assert await self.listed(repository, FindingFilter(id="finding-2"), scope=scope) == []
        counts = await repository.finding_counts(scope, _ALL, by=["tenant"])
        assert [(count.group, count.findings) for count in counts] == [(("ours",), 1)]
        nobody = Scope(tenants=frozenset())
        assert await self.listed(repository, _ALL, scope=nobody) == []
        assert list(await repository.finding_counts(nobody, _ALL, by=[])) == []

    @pytest.mark.parametrize("seed", range(2))
    async def test_findings_are_those_of_the_exchanges_there_are(self, repository: TraceRepository, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # no secret
        kept: list[Exchange] = []
        for step in range(3):
            kept += (new := [_random(chance, step * 40 + number) for number in range(40)])
            await repository.put(new)
            await repository.put(chance.sample(kept, 5))  # those that are there stay as they are
            await self.same_findings(repository, chance, kept)
            trace, tenant = f"trace-{chance.randrange(3)}", chance.choice(("acme", "other"))
            await repository.delete(_EVERYONE, ExchangeFilter(trace_id=trace, tenant=tenant))
            kept = [one for one in kept if (one.trace_id, one.identity.tenant) != (trace, tenant)]
            await self.same_findings(repository, chance, kept)
        await repository.delete(_EVERYONE, ExchangeFilter())
        assert await self.listed(repository, _ALL) == []
        assert list(await repository.finding_counts(_EVERYONE, _ALL, by=[])) == []

    async def same_findings(self, repository: TraceRepository, chance: random.Random, kept: Sequence[Exchange]) -> None:
        """Ask for some findings and counts, and look for them in the exchanges."""
        for _ in range(10):
            wanted, by = _filter(chance, kept), chance.sample(FINDING_KEYS, chance.choice([0, 1, 1, 2, 3]))
            scope = Scope(tenants=frozenset({"acme", "other"})) if chance.random() < 0.3 else _EVERYONE
            expected = _listed(kept, scope, wanted)
            assert await self.listed(repository, wanted, scope=scope, limit=20) == expected, wanted
            counts = await repository.finding_counts(scope, wanted, by=by)
            assert [(count.group, count.findings) for count in counts] == _counted(expected, by), (wanted, by)

    async def test_findings_refuse_what_makes_no_sense(self, repository: TraceRepository) -> None:
        with pytest.raises(StorageError):
            await repository.findings(_EVERYONE, _ALL, limit=0)
        with pytest.raises(StorageError):
            await repository.findings(_EVERYONE, FindingFilter(since=datetime(2026, 1, 1)), limit=1)  # meant
        with pytest.raises(StorageError):
            await repository.finding_counts(_EVERYONE, FindingFilter(until=datetime(2026, 1, 1)), by=[])  # meant
        with pytest.raises(StorageError):
            await repository.finding_counts(_EVERYONE, _ALL, by=["message"])

    @pytest.mark.parametrize("cursor", ["", "x", "💥", "eyJhIjoxfQ", "WzEsMl0", "WzEsImEiXQ", "WzEsIi0xIGEiXQ"])
    async def test_findings_refuse_a_strange_cursor(self, repository: TraceRepository, cursor: str) -> None:
        await repository.put([with_findings(0, found(1))])
        with pytest.raises(StorageError):
            await repository.findings(_EVERYONE, _ALL, limit=1, cursor=cursor)
