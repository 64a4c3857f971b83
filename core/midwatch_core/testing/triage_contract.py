# ruff: noqa: D102  # a test's name is its documentation
"""Judgements on findings in a MetadataRepository: part of MetadataRepositoryContract and SharedMetadataContract."""

from dataclasses import replace
from datetime import timedelta

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.model.triage import MOST_JUDGED, Triage, TriageState
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.factories import BEGINNING

EVERYONE = Scope()
_MINUTE = timedelta(minutes=1)
_HARD = ("", "\0", "\x010", "'; --", "naïve 漢字 🦉 \u202b", "x" * 10_000)


def make_triage(finding_id: str, **changes: object) -> Triage:
    """A judgement with something in every field; `changes` replace fields."""
    triage = Triage(
        finding_id=finding_id,
        tenant="acme",
        rule="secrets/aws-key",
        state=TriageState.FALSE_POSITIVE,
        by="ann",
        at=BEGINNING,
        note="a key of the documentation",
    )
    return replace(triage, **changes)  # type: ignore[arg-type]  # fields of its


class TriageContract:
    """What holds for the judgements of every MetadataRepository."""

    pytestmark = pytest.mark.asyncio

    async def test_a_judgement_comes_back_with_every_field(self, repository: MetadataRepository) -> None:
        moment = BEGINNING + timedelta(microseconds=1)
        made = [make_triage(state.value, state=state, at=moment, note="") for state in TriageState]
        for one in made:
            await repository.keep_triage(one)
        assert await judged(repository, EVERYONE, *TriageState) == {one.finding_id: one for one in made}

    @pytest.mark.parametrize("number", range(len(_HARD)))
    async def test_any_text_may_stand_in_a_judgement(self, repository: MetadataRepository, number: int) -> None:
        text = _HARD[number]
        hard = make_triage(text, tenant=text, rule=text, by=text, note=text)
        await repository.keep_triage(hard)
        assert list(await repository.triage(Scope(tenants=frozenset({text})), [text])) == [hard]
        assert await repository.forget_triage(tenant=text) == 1

    async def test_the_latest_judgement_on_a_finding_counts(self, repository: MetadataRepository) -> None:
        await repository.keep_triage(make_triage("f"))
        latest = make_triage("f", state=TriageState.OPEN, by="bob", at=BEGINNING + _MINUTE, note="")
        await repository.keep_triage(latest)
        assert list(await repository.triage(EVERYONE, ["f"])) == [latest]

    async def test_findings_nobody_judged_are_left_out_and_those_named_twice_come_once(
        self, repository: MetadataRepository
    ) -> None:
        await repository.keep_triage(make_triage("a"))
        await repository.keep_triage(make_triage("b"))
        assert await judged(repository, EVERYONE, "absent", "b", "b") == {"b": make_triage("b")}
        assert list(await repository.triage(EVERYONE, [])) == []

    async def test_as_many_findings_as_a_page_has_may_be_asked_for(self, repository: MetadataRepository) -> None:
        ids = [f"f{number}" for number in range(MOST_JUDGED)]
        made = {finding_id: make_triage(finding_id) for finding_id in (ids[0], ids[499], ids[500], ids[-1])}
        for one in made.values():
            await repository.keep_triage(one)
        assert await judged(repository, EVERYONE, *ids) == made
        with pytest.raises(StorageError, match="at most"):
            await repository.triage(EVERYONE, [*ids, "one more"])

    async def test_judgements_stay_in_scope(self, repository: MetadataRepository) -> None:
        tenants = ("ours", "theirs", "third")
        for tenant in tenants:
            await repository.keep_triage(make_triage(tenant, tenant=tenant))
        for names in ({"ours"}, {"third", "ours", "absent"}, set[str]()):
            seen = await judged(repository, Scope(tenants=frozenset(names)), *tenants)
            assert set(seen) == names & set(tenants)

    async def test_judgements_are_forgotten_by_age_and_tenant(self, repository: MetadataRepository) -> None:
        for minute, tenant in enumerate("aabb"):
            await repository.keep_triage(make_triage(f"{minute}", tenant=tenant, at=BEGINNING + minute * _MINUTE))
        assert await repository.forget_triage(before=BEGINNING) == 0
        assert await repository.forget_triage(tenant="absent") == 0
        assert await repository.forget_triage(before=BEGINNING + 2 * _MINUTE, tenant="b") == 0
        assert await repository.forget_triage(before=BEGINNING + _MINUTE) == 1
        assert await repository.forget_triage(tenant="a") == 1
        assert set(await judged(repository, EVERYONE, *"0123")) == {"2", "3"}
        assert await repository.forget_triage(before=BEGINNING + 3 * _MINUTE, tenant="b") == 1
        assert await repository.forget_triage() == 1
        assert await judged(repository, EVERYONE, *"0123") == {}


class SharedTriageContract:
    """What holds besides where two repositories, `repository` and `other`, stand over one database."""

    pytestmark = pytest.mark.asyncio

    async def test_one_replaces_what_the_other_judged(
        self, repository: MetadataRepository, other: MetadataRepository
    ) -> None:
        await repository.keep_triage(make_triage("f"))
        await other.keep_triage(make_triage("f", by="bob"))
        for one in (repository, other):
            assert list(await one.triage(EVERYONE, ["f"])) == [make_triage("f", by="bob")]


async def judged(repository: MetadataRepository, scope: Scope, *finding_ids: str) -> dict[str, Triage]:
    """The judgements on findings, by their ids; each comes once."""
    found = await repository.triage(scope, finding_ids)
    by_id = {one.finding_id: one for one in found}
    assert len(by_id) == len(found)
    return by_id
