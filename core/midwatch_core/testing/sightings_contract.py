# ruff: noqa: D102  # a test's name is its documentation
"""The inventory of a MetadataRepository: part of MetadataRepositoryContract and SharedMetadataContract."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.factories import BEGINNING

EVERYONE = Scope()
_MINUTE = timedelta(minutes=1)
_HARD = ("", "\0", "\x010", "'; --", "naïve 漢字 🦉 \u202b", "x" * 10_000)
# What tells sightings apart; an optional one left out is a value of its own.
_TELLING: dict[str, tuple[object, ...]] = {
    "host": ("api.openai.com", "claude.ai", ""),
    "tenant": ("default", "acme"),
    "seen": tuple(Seen),
    "client": (None, "", "10.0.0.7", "::1"),
    "app": (None, "", "codex"),
    "user_agent": (None, "", "codex/1"),
    "process": (None, "", "node"),
    "container": (None, "", "build"),
}


def make_sighting(**changes: object) -> Sighting:
    """A client of which only name and address are known, once; `changes` replace fields."""
    sighting = Sighting(
        host="api.openai.com",
        tenant="default",
        seen=Seen.SNI,
        first_at=BEGINNING,
        last_at=BEGINNING,
        client="10.0.0.7",
        connections=1,
    )
    return replace(sighting, **changes)  # type: ignore[arg-type]  # fields of its


def at(minute: int, **changes: object) -> Sighting:
    """The same, of one minute."""
    return make_sighting(first_at=BEGINNING + minute * _MINUTE, last_at=BEGINNING + minute * _MINUTE, **changes)


def distinct() -> list[Sighting]:
    """Sightings of which no two are alike, each newer than the one before."""
    plain = make_sighting(app="a", user_agent="b", process="c", container="d")
    others = [
        replace(plain, **{name: value})  # type: ignore[arg-type]  # fields of its
        for name, values in _TELLING.items()
        for value in values
        if value != getattr(plain, name)
    ]
    return [
        replace(one, first_at=BEGINNING, last_at=BEGINNING + number * _MINUTE)
        for number, one in enumerate([plain, *others])
    ]


class SightingsContract:
    """What holds for the inventory of every MetadataRepository."""

    pytestmark = pytest.mark.asyncio

    async def test_a_sighting_comes_back_with_every_field(self, repository: MetadataRepository) -> None:
        whole = make_sighting(
            seen=Seen.DECRYPTED,
            last_at=BEGINNING + timedelta(microseconds=1),
            provider="openai",
            known=False,
            app="codex",
            user_agent="codex/1",
            process="node",
            container="build",
            connections=2**40,
            calls=7,
        )
        await repository.sight([whole])
        assert list(await repository.sightings(EVERYONE, limit=5)) == [whole]

    @pytest.mark.parametrize("text", _HARD)
    async def test_any_text_may_stand_in_a_sighting(self, repository: MetadataRepository, text: str) -> None:
        hard = make_sighting(
            host=text, tenant=text, provider=text, client=text, app=text, user_agent=text, process=text, container=text
        )
        await repository.sight([hard])
        await repository.sight([hard])
        own = Scope(tenants=frozenset({text}))
        assert list(await repository.sightings(own, limit=5)) == [replace(hard, connections=2)]
        assert await repository.forget_sightings(tenant=text, client=text) == 1

    async def test_what_is_alike_adds_up_and_its_moments_widen(self, repository: MetadataRepository) -> None:
        await repository.sight([at(5, connections=2, calls=3)])
        await repository.sight([at(9, calls=1), at(7)])
        await repository.sight([at(1, connections=0, calls=10)])
        await repository.sight([])
        (one,) = await repository.sightings(EVERYONE, limit=5)
        assert (one.connections, one.calls) == (4, 14)
        assert (one.first_at, one.last_at) == (BEGINNING + _MINUTE, BEGINNING + 9 * _MINUTE)

    async def test_provider_and_known_are_those_of_the_newest(self, repository: MetadataRepository) -> None:
        await repository.sight([at(2, provider="openai", known=True), at(1, provider="old", known=False)])
        await repository.sight([at(1, provider="older", known=False)])
        (one,) = await repository.sightings(EVERYONE, limit=5)
        assert (one.provider, one.known, one.connections) == ("openai", True, 3)
        await repository.sight([at(2, provider=None, known=False)])
        (one,) = await repository.sightings(EVERYONE, limit=5)
        assert (one.provider, one.known, one.connections) == (None, False, 4)

    async def test_what_differs_in_anything_telling_stays_apart(self, repository: MetadataRepository) -> None:
        made = distinct()
        await repository.sight(made)
        await repository.sight(made[::-1])
        found = await repository.sightings(EVERYONE, limit=len(made) + 5)
        assert list(found) == [replace(one, connections=2) for one in reversed(made)]

    async def test_a_large_batch_is_kept_whole(self, repository: MetadataRepository) -> None:
        made = [at(number, host=f"h{number % 500}.example") for number in range(1000)]
        await repository.sight(made)
        found = await repository.sightings(EVERYONE, limit=1000)
        assert [one.host for one in found] == [f"h{number}.example" for number in reversed(range(500))]
        assert {one.connections for one in found} == {2}

    async def test_sightings_come_newest_first_up_to_a_limit_and_since_a_moment(
        self, repository: MetadataRepository
    ) -> None:
        await repository.sight([at(minute, client=f"{minute}") for minute in (3, 0, 4, 1, 2)])

        async def clients(**asked: object) -> list[str | None]:
            found = await repository.sightings(EVERYONE, **{"limit": 9, **asked})  # type: ignore[arg-type]  # its names
            return [one.client for one in found]

        assert await clients() == ["4", "3", "2", "1", "0"]
        assert await clients(limit=2) == ["4", "3"]
        assert await clients(since=BEGINNING + 2 * _MINUTE) == ["4", "3", "2"]
        assert await clients(since=BEGINNING + 2 * _MINUTE, limit=1) == ["4"]
        assert await clients(since=BEGINNING + 5 * _MINUTE) == []

    async def test_sightings_stay_in_scope(self, repository: MetadataRepository) -> None:
        await repository.sight([at(number, tenant=tenant) for number, tenant in enumerate(("ours", "theirs", "third"))])
        for names, seen in (({"ours"}, ["ours"]), ({"third", "ours", "absent"}, ["third", "ours"]), (set[str](), [])):
            found = await repository.sightings(Scope(tenants=frozenset(names)), limit=9)
            assert [one.tenant for one in found] == seen

    async def test_sightings_are_forgotten_by_age_tenant_and_client(self, repository: MetadataRepository) -> None:
        await repository.sight(
            [
                at(minute, tenant=tenant, client=client)
                for minute, tenant, client in ((0, "a", "1"), (1, "a", "2"), (2, "b", "1"), (3, "b", None))
            ]
        )
        assert await repository.forget_sightings(before=BEGINNING) == 0
        assert await repository.forget_sightings(tenant="absent") == 0
        assert await repository.forget_sightings(tenant="b", client="2") == 0
        assert await repository.forget_sightings(before=BEGINNING + _MINUTE) == 1
        assert await repository.forget_sightings(before=BEGINNING + 9 * _MINUTE, tenant="a") == 1
        assert await repository.forget_sightings(client="1") == 1
        assert [one.client for one in await repository.sightings(EVERYONE, limit=9)] == [None]
        assert await repository.forget_sightings() == 1
        assert list(await repository.sightings(EVERYONE, limit=9)) == []


class SharedSightingsContract:
    """What holds besides where two repositories, `repository` and `other`, stand over one database."""

    pytestmark = pytest.mark.asyncio

    async def test_what_two_saw_adds_up(self, repository: MetadataRepository, other: MetadataRepository) -> None:
        hosts = [f"h{number}.example" for number in range(5)]
        await asyncio.gather(
            *((repository, other)[number % 2].sight([at(number, host=host) for host in hosts]) for number in range(40))
        )
        for one in (repository, other):
            found = await one.sightings(EVERYONE, limit=9)
            assert sorted(sighting.host for sighting in found) == hosts
            assert {sighting.connections for sighting in found} == {40}
            assert {sighting.last_at for sighting in found} == {BEGINNING + 39 * _MINUTE}
