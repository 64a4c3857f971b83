# ruff: noqa: D102  # a test's name is its documentation
"""Incidents in a MetadataRepository: part of MetadataRepositoryContract and SharedMetadataContract."""

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.incident_listing import IncidentFilter, IncidentPage
from midwatch_core.incident_merging import merge_incidents
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentState
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.factories import BEGINNING

EVERYONE = Scope()
_ALL = IncidentFilter()
_MINUTE = timedelta(minutes=1)
_HARD = ("", "\0", "\x010", "'; --", "naïve 漢字 🦉 \u202b", "x" * 10_000)
# In the order of their code points, which is that of no language.
_IDS = ("", "A", "B", "a", "b", "é", "漢", "\U0001f989")
_FILTERS: dict[str, IncidentFilter] = {
    "all": _ALL,
    "open": IncidentFilter(states=frozenset({IncidentState.OPEN})),
    "acknowledged": IncidentFilter(states=frozenset({IncidentState.ACKNOWLEDGED})),
    "resolved": IncidentFilter(states=frozenset({IncidentState.RESOLVED})),
    "going on": IncidentFilter(states=frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})),
    "seen to": IncidentFilter(states=frozenset({IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED})),
    "every state": IncidentFilter(states=frozenset(IncidentState)),
    "since": IncidentFilter(since=BEGINNING + 20 * _MINUTE),
    "tenant": IncidentFilter(tenant="acme"),
    "category": IncidentFilter(category="budget"),
    "fingerprint": IncidentFilter(fingerprint="f1"),
    **{severity.value: IncidentFilter(severity=severity) for severity in Severity},
    "several": IncidentFilter(
        states=frozenset({IncidentState.OPEN}),
        since=BEGINNING + 5 * _MINUTE,
        tenant="acme",
        category="anomaly",
        severity=Severity.MEDIUM,
    ),
    "nothing": IncidentFilter(tenant="absent"),
}
_FOREIGN_CURSORS = ("", "x", "=", "W10", "WzEsIDJd", "💥", "A" * 5000)


def make_incident(incident_id: str, **changes: object) -> Incident:
    """An incident that is open; `changes` replace fields."""
    incident = Incident(
        id=incident_id,
        fingerprint="anomaly:acme:agent:coder:cost_usd:high",
        category="anomaly",
        severity=Severity.HIGH,
        title="coder spends more than it used to",
        began_at=BEGINNING,
        last_at=BEGINNING,
        tenant="acme",
        details={"value": "12.5", "baseline": "0.4"},
    )
    return replace(incident, **changes)  # type: ignore[arg-type]  # fields of its


def whole_incident(incident_id: str) -> Incident:
    """One that has something in every field."""
    return make_incident(
        incident_id,
        last_at=BEGINNING + timedelta(microseconds=1),
        count=2**40,
        acknowledged_at=BEGINNING + _MINUTE,
        acknowledged_by="ann",
        resolved_at=BEGINNING + 2 * _MINUTE,
    )


class IncidentsContract:
    """What holds for the incidents of every MetadataRepository."""

    pytestmark = pytest.mark.asyncio

    async def test_an_incident_comes_back_with_every_field(self, repository: MetadataRepository) -> None:
        bare = make_incident("bare", tenant=None, details={})
        for one in (whole_incident("whole"), bare):
            assert await repository.keep_incident(one) == one
            assert await repository.incident(EVERYONE, one.id) == one
        assert await repository.incident(EVERYONE, "absent") is None
        assert await listed(repository) == {"whole": whole_incident("whole"), "bare": bare}

    @pytest.mark.parametrize("number", range(len(_HARD)))
    async def test_any_text_may_stand_in_an_incident(self, repository: MetadataRepository, number: int) -> None:
        text = _HARD[number]
        hard = make_incident(
            text,
            fingerprint=text,
            category=text,
            title=text,
            tenant=text,
            details={text: text},
            acknowledged_at=BEGINNING,
            acknowledged_by=text,
        )
        await repository.keep_incident(hard)
        assert await repository.keep_incident(hard) == hard
        own = Scope(tenants=frozenset({text}))
        assert await repository.incident(own, text) == hard
        wanted = IncidentFilter(tenant=text, category=text, fingerprint=text)
        assert list((await repository.incidents(own, wanted, limit=2)).incidents) == [hard]
        assert await repository.forget_incidents(tenant=text) == 1

    async def test_the_latest_state_of_an_incident_counts(self, repository: MetadataRepository) -> None:
        await repository.keep_incident(make_incident("i"))
        latest = make_incident("i", title="it goes on", details={}, last_at=BEGINNING + _MINUTE, count=7)
        assert await repository.keep_incident(latest) == latest
        assert await repository.incident(EVERYONE, "i") == latest

    async def test_what_an_older_state_says_undoes_nothing(self, repository: MetadataRepository) -> None:
        older = make_incident("i", severity=Severity.LOW, title="older")
        newer = replace(whole_incident("i"), severity=Severity.CRITICAL)
        await repository.keep_incident(newer)
        assert await repository.keep_incident(older) == newer
        assert await repository.incident(EVERYONE, "i") == newer

    async def test_who_took_it_on_first_did_and_an_end_stays(self, repository: MetadataRepository) -> None:
        first = make_incident("i", acknowledged_at=BEGINNING, acknowledged_by="ann")
        second = make_incident("i", acknowledged_at=BEGINNING + _MINUTE, acknowledged_by="bob", resolved_at=BEGINNING)
        await repository.keep_incident(first)
        assert await repository.keep_incident(second) == replace(first, resolved_at=BEGINNING)
        third = replace(second, resolved_at=BEGINNING + _MINUTE)
        assert await repository.keep_incident(third) == replace(first, resolved_at=BEGINNING)

    @pytest.mark.parametrize("seed", range(5))
    async def test_states_in_any_order_are_merged_alike(self, repository: MetadataRepository, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # no secret
        kept: Incident | None = None
        for _ in range(30):
            given = _some_incident(chance, "i")
            kept = given if kept is None else merge_incidents(kept, given)
            assert await repository.keep_incident(given) == kept
            assert await repository.incident(EVERYONE, "i") == kept

    @pytest.mark.parametrize("wanted", _FILTERS)
    async def test_incidents_are_found_by_what_is_asked(self, repository: MetadataRepository, wanted: str) -> None:
        chance = random.Random(8)  # noqa: S311  # no secret
        made = [_some_incident(chance, f"i{number}") for number in range(60)]
        for one in made:
            await repository.keep_incident(one)
        expected = sorted((one for one in made if _matches(one, _FILTERS[wanted])), key=_place, reverse=True)
        assert await walked(repository, _FILTERS[wanted], 7) == expected
        assert wanted == "nothing" or expected

    async def test_pages_go_through_all_in_order(self, repository: MetadataRepository) -> None:
        made = [
            make_incident(incident_id, began_at=BEGINNING + number // 3 * timedelta(microseconds=1))
            for number, incident_id in enumerate(_IDS)
        ]
        for one in made:
            await repository.keep_incident(one)
        expected = sorted(made, key=_place, reverse=True)
        for limit in (1, 2, 3, len(made), len(made) + 1):
            assert await walked(repository, _ALL, limit) == expected

    async def test_pages_of_incidents_stay_while_others_begin(self, repository: MetadataRepository) -> None:
        for number in range(6):
            await repository.keep_incident(_of_minute(number))
        first = await repository.incidents(EVERYONE, _ALL, limit=2)
        await repository.keep_incident(_of_minute(9))
        await repository.forget_incidents(tenant="acme")
        for number in range(4):
            await repository.keep_incident(_of_minute(number))
        rest = await repository.incidents(EVERYONE, _ALL, limit=9, cursor=first.cursor)
        assert _ids(first) == ["5", "4"]
        assert _ids(rest) == ["3", "2", "1", "0"]
        assert rest.cursor is None

    @pytest.mark.parametrize("number", range(len(_FOREIGN_CURSORS)))
    async def test_refuses_a_cursor_of_no_incident(self, repository: MetadataRepository, number: int) -> None:
        await repository.keep_incident(make_incident("i"))
        with pytest.raises(StorageError, match="cursor"):
            await repository.incidents(EVERYONE, _ALL, limit=1, cursor=_FOREIGN_CURSORS[number])

    async def test_incidents_stay_in_scope(self, repository: MetadataRepository) -> None:
        tenants = ("ours", "theirs", "third", None)
        for tenant in tenants:
            await repository.keep_incident(make_incident(f"{tenant}", tenant=tenant))
        for names in ({"ours"}, {"third", "ours", "absent"}, set[str]()):
            scope = Scope(tenants=frozenset(names))
            page = await repository.incidents(scope, _ALL, limit=9)
            assert set(_ids(page)) == names & set(tenants)
            seen = [tenant for tenant in tenants if await repository.incident(scope, f"{tenant}") is not None]
            assert set(seen) == names & set(tenants)
        assert set(await listed(repository)) == {"ours", "theirs", "third", "None"}

    async def test_incidents_are_forgotten_once_they_ended_and_by_tenant(self, repository: MetadataRepository) -> None:
        for incident_id, tenant, minute in (("1", "a", 1), ("2", "a", 2), ("3", "b", 3), ("4", None, 4)):
            await repository.keep_incident(
                make_incident(incident_id, tenant=tenant, resolved_at=BEGINNING + minute * _MINUTE)
            )
        for tenant in ("a", "b", None):
            await repository.keep_incident(make_incident(f"open {tenant}", tenant=tenant))
        late = BEGINNING + 9 * _MINUTE
        assert await repository.forget_incidents() == 0
        assert await repository.forget_incidents(before=BEGINNING + _MINUTE) == 0
        assert await repository.forget_incidents(tenant="absent") == 0
        assert await repository.forget_incidents(before=BEGINNING + 2 * _MINUTE) == 1
        assert await repository.forget_incidents(before=late, tenant="b") == 1
        assert set(await listed(repository)) == {"2", "4", "open a", "open b", "open None"}
        assert await repository.forget_incidents(tenant="a") == 2
        assert await repository.forget_incidents(before=late) == 1
        assert set(await listed(repository)) == {"open b", "open None"}


class SharedIncidentsContract:
    """What holds besides where two repositories, `repository` and `other`, stand over one database."""

    pytestmark = pytest.mark.asyncio

    async def test_what_two_know_of_an_incident_comes_together(
        self, repository: MetadataRepository, other: MetadataRepository
    ) -> None:
        stale = make_incident("i")
        await repository.keep_incident(stale)
        taken_on = replace(stale, acknowledged_at=BEGINNING, acknowledged_by="ann")
        grown = [replace(stale, count=number, last_at=BEGINNING + number * _MINUTE) for number in range(2, 40)]
        states = [*grown, taken_on]
        random.Random(8).shuffle(states)  # noqa: S311  # no secret
        await asyncio.gather(
            *((repository, other)[number % 2].keep_incident(state) for number, state in enumerate(states))
        )
        whole = replace(grown[-1], acknowledged_at=BEGINNING, acknowledged_by="ann")
        for one in (repository, other):
            assert await one.incident(EVERYONE, "i") == whole

    async def test_of_two_who_take_it_on_at_once_one_does(
        self, repository: MetadataRepository, other: MetadataRepository
    ) -> None:
        kept = await asyncio.gather(
            *(
                (repository, other)[number % 2].keep_incident(
                    make_incident("i", acknowledged_at=BEGINNING + number * _MINUTE, acknowledged_by=f"{number}")
                )
                for number in range(10)
            )
        )
        assert len({(one.acknowledged_at, one.acknowledged_by) for one in kept}) == 1


async def listed(repository: MetadataRepository) -> dict[str, Incident]:
    """All incidents, by their ids; each comes once."""
    page = await repository.incidents(EVERYONE, _ALL, limit=1000)
    assert page.cursor is None
    by_id = {one.id: one for one in page.incidents}
    assert len(by_id) == len(page.incidents)
    return by_id


async def walked(repository: MetadataRepository, wanted: IncidentFilter, limit: int) -> list[Incident]:
    """All that are wanted, page by page."""
    page = await repository.incidents(EVERYONE, wanted, limit=limit)
    found = list(page.incidents)
    while page.cursor is not None:
        assert len(page.incidents) == limit
        page = await repository.incidents(EVERYONE, wanted, limit=limit, cursor=page.cursor)
        found += page.incidents
        assert len(found) <= 1000
    return found


def _ids(page: IncidentPage) -> list[str]:
    return [one.id for one in page.incidents]


def _place(incident: Incident) -> tuple[datetime, str]:
    return incident.began_at, incident.id


def _of_minute(number: int) -> Incident:
    return make_incident(f"{number}", began_at=BEGINNING + number * _MINUTE, last_at=BEGINNING + number * _MINUTE)


def _some_incident(chance: random.Random, incident_id: str) -> Incident:
    """One of any state, severity and age."""

    def moment() -> datetime:
        return BEGINNING + chance.randrange(40) * _MINUTE

    taken_on = chance.random() < 0.4
    number = chance.randrange(4)
    return make_incident(
        incident_id,
        fingerprint=f"f{number}",
        category=("anomaly", "budget")[number % 2],
        severity=chance.choice(list(Severity)),
        title=f"title {chance.random()}",
        began_at=moment(),
        last_at=moment(),
        tenant=chance.choice(("acme", "acme", "other", None)),
        details={"n": f"{chance.random()}"},
        count=chance.randrange(1000),
        acknowledged_at=moment() if taken_on else None,
        acknowledged_by=f"p{number}" if taken_on else None,
        resolved_at=chance.choice((None, None, moment())),
    )


def _matches(incident: Incident, wanted: IncidentFilter) -> bool:
    return (
        (not wanted.states or incident.state in wanted.states)
        and (wanted.since is None or incident.last_at >= wanted.since)
        and (wanted.severity is None or incident.severity.rank >= wanted.severity.rank)
        and wanted.tenant in (None, incident.tenant)
        and wanted.category in (None, incident.category)
        and wanted.fingerprint in (None, incident.fingerprint)
    )
