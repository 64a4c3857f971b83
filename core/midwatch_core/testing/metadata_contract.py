# ruff: noqa: D102  # a test's name is its documentation
"""The suites that every MetadataRepository passes: subclass one, give it a fixture that yields a started repository.

Needs pytest and pytest-asyncio.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from midwatch_core.errors import StorageError
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.document import PolicyVersion
from midwatch_core.model.tenant import Tenant
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.audit_contract import AuditContract, SharedAuditContract, make_record
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.testing.incidents_contract import IncidentsContract, SharedIncidentsContract, make_incident
from midwatch_core.testing.reports_contract import ReportsContract, make_report
from midwatch_core.testing.sightings_contract import SharedSightingsContract, SightingsContract, make_sighting
from midwatch_core.testing.triage_contract import SharedTriageContract, TriageContract, make_triage

EVERYONE = Scope()
NOBODY = Scope(tenants=frozenset())
NO_ZONE = datetime(2026, 1, 1)  # the fault meant
HOSTILE = (
    "",
    "\0",
    "\x01",
    "\x010 \0\x01\x01",
    "'; DROP TABLE settings; --",
    "%_\\ ${x} :name ?",
    "naïve 漢字 🦉 \u202b\u05e2 \u2028\ufeff\ufffd\U0010ffff",
    "\x1b[31m\r\n\t\x7f\x85 ",
    "💥" * 500,
)
_UNUSABLE: dict[str, Callable[[MetadataRepository], Awaitable[object]]] = {
    "setting": lambda one: one.setting("a"),
    "keep_setting": lambda one: one.keep_setting("a", "b"),
    "tenants": lambda one: one.tenants(),
    "keep_tenant": lambda one: one.keep_tenant(make_tenant("a")),
    "delete_tenant": lambda one: one.delete_tenant("a"),
    "keys": lambda one: one.keys(),
    "keep_key": lambda one: one.keep_key(make_key("a")),
    "policy_versions": lambda one: one.policy_versions("a", limit=1),
    "keep_policy": lambda one: one.keep_policy("a", "b", author="c", at=BEGINNING),
    "keep_report": lambda one: one.keep_report(make_report("a")),
    "report": lambda one: one.report(EVERYONE, "a"),
    "reports": lambda one: one.reports(EVERYONE, limit=1),
    "keep_triage": lambda one: one.keep_triage(make_triage("a")),
    "triage": lambda one: one.triage(EVERYONE, ["a"]),
    "forget_triage": lambda one: one.forget_triage(tenant="a"),
    "sight": lambda one: one.sight([make_sighting()]),
    "sightings": lambda one: one.sightings(EVERYONE, limit=1),
    "forget_sightings": lambda one: one.forget_sightings(tenant="a"),
    "keep_incident": lambda one: one.keep_incident(make_incident("a")),
    "incident": lambda one: one.incident(EVERYONE, "a"),
    "incidents": lambda one: one.incidents(EVERYONE, IncidentFilter(), limit=1),
    "forget_incidents": lambda one: one.forget_incidents(tenant="a"),
    "append_audit": lambda one: one.append_audit(make_record("a")),
    "audit": lambda one: one.audit(EVERYONE, limit=1),
}
_WITHOUT_ZONE: dict[str, Callable[[MetadataRepository], Awaitable[object]]] = {
    "tenant": lambda one: one.keep_tenant(make_tenant("a", created_at=NO_ZONE)),
    "key": lambda one: one.keep_key(make_key("a", created_at=NO_ZONE)),
    "key's end": lambda one: one.keep_key(make_key("a", expires_at=NO_ZONE)),
    "key's revocation": lambda one: one.keep_key(make_key("a", revoked_at=NO_ZONE)),
    "policy": lambda one: one.keep_policy("a", "b", author="c", at=NO_ZONE),
    "report": lambda one: one.keep_report(make_report("a", created_at=NO_ZONE)),
    "report's since": lambda one: one.keep_report(make_report("a", since=NO_ZONE)),
    "report's until": lambda one: one.keep_report(make_report("a", until=NO_ZONE)),
    "judgement": lambda one: one.keep_triage(make_triage("a", at=NO_ZONE)),
    "judgements before": lambda one: one.forget_triage(before=NO_ZONE),
    "sighting's beginning": lambda one: one.sight([make_sighting(), make_sighting(first_at=NO_ZONE)]),
    "sighting's end": lambda one: one.sight([make_sighting(), make_sighting(last_at=NO_ZONE)]),
    "sightings since": lambda one: one.sightings(EVERYONE, since=NO_ZONE, limit=1),
    "sightings before": lambda one: one.forget_sightings(before=NO_ZONE),
    "incident's beginning": lambda one: one.keep_incident(make_incident("a", began_at=NO_ZONE)),
    "incident's last moment": lambda one: one.keep_incident(make_incident("a", last_at=NO_ZONE)),
    "incident's acknowledgement": lambda one: one.keep_incident(make_incident("a", acknowledged_at=NO_ZONE)),
    "incident's end": lambda one: one.keep_incident(make_incident("a", resolved_at=NO_ZONE)),
    "incidents since": lambda one: one.incidents(EVERYONE, IncidentFilter(since=NO_ZONE), limit=1),
    "incidents before": lambda one: one.forget_incidents(before=NO_ZONE),
    "audit": lambda one: one.append_audit(make_record("a", at=NO_ZONE)),
}
_EMPTY_PAGES: dict[str, Callable[[MetadataRepository], Awaitable[object]]] = {
    "versions": lambda one: one.policy_versions("a", limit=0),
    "reports": lambda one: one.reports(EVERYONE, limit=0),
    "sightings": lambda one: one.sightings(EVERYONE, limit=0),
    "incidents": lambda one: one.incidents(EVERYONE, IncidentFilter(), limit=0),
    "audit": lambda one: one.audit(EVERYONE, limit=0),
    "audit, less than none": lambda one: one.audit(EVERYONE, limit=-1),
}


def make_tenant(name: str, **changes: object) -> Tenant:
    """A tenant with something in every field."""
    tenant = Tenant(
        name=name,
        created_at=BEGINNING,
        title="Acme, Inc.",
        networks=("10.0.0.0/8", "fd00::/8"),
        provider_keys=("5f" * 16,),
        certificates=("CN=agent,O=Acme",),
        retention_days=30.5,
    )
    return replace(tenant, **changes)  # type: ignore[arg-type]  # fields of its


def make_key(key_id: str, **changes: object) -> ApiKey:
    """A key with something in every field but the last."""
    key = ApiKey(
        id=key_id,
        digest="ab" * 32,
        role=AccessRole.CLIENT,
        tenant="acme",
        created_at=BEGINNING,
        label="the build",
        agent="coder",
        expires_at=BEGINNING + timedelta(days=90, microseconds=1),
    )
    return replace(key, **changes)  # type: ignore[arg-type]  # fields of its


class MetadataRepositoryContract(AuditContract, IncidentsContract, ReportsContract, SightingsContract, TriageContract):
    """What holds for every MetadataRepository."""

    pytestmark = pytest.mark.asyncio

    async def test_its_schema_is_current_once_it_is_started(self, repository: MetadataRepository) -> None:
        if repository.migrations is not None:
            state = await repository.migrations.state()
            assert state.is_current
            assert state.pending == ()
            assert await repository.migrations.up() == ()

    async def test_keeps_and_replaces_settings(self, repository: MetadataRepository) -> None:
        assert await repository.setting("a") is None
        await repository.keep_setting("a", "1")
        await repository.keep_setting("b", "\0 é 🦉")
        await repository.keep_setting("a", "2")
        assert (await repository.setting("a"), await repository.setting("b")) == ("2", "\0 é 🦉")

    @pytest.mark.parametrize("text", HOSTILE)
    async def test_any_text_may_stand_anywhere(self, repository: MetadataRepository, text: str) -> None:
        tenant = make_tenant(text, title=text, networks=(text,), provider_keys=(text, text), certificates=(text,))
        key = make_key(text, digest=text, tenant=text, label=text, agent=text)
        report = make_report(text, tenant=text, kind=text, title=text, media_type=text, problem=text)
        record = make_record(text, actor=text, action=text, details={text: text}, tenant=text)
        assert await repository.setting(text) is None
        await repository.keep_setting(text, text)
        await repository.keep_tenant(tenant)
        await repository.keep_key(key)
        await repository.keep_report(report)
        version = await repository.keep_policy(text, text, author=text, at=BEGINNING)
        entry = await repository.append_audit(record)
        own = Scope(tenants=frozenset({text, "another"}))
        assert await repository.setting(text) == text
        assert list(await repository.tenants()) == [tenant]
        assert list(await repository.keys()) == [key]
        assert await repository.report(own, text) == report
        assert list(await repository.policy_versions(text, limit=2)) == [version]
        assert list(await repository.audit(own, limit=2)) == [entry]
        assert entry.record == record
        assert await repository.delete_tenant(text)

    async def test_tenants_come_by_name(self, repository: MetadataRepository) -> None:
        names = ["zeta", "Alpha", "alpha", "é", "a", "\0", "", "a b", "A", "漢", "\U0001f989", "\uffee"]
        for name in names:
            await repository.keep_tenant(make_tenant(name))
        assert [tenant.name for tenant in await repository.tenants()] == sorted(names)

    async def test_a_tenant_is_replaced_and_forgotten(self, repository: MetadataRepository) -> None:
        assert list(await repository.tenants()) == []
        bare = Tenant(name="acme", created_at=BEGINNING)
        other = make_tenant("other", retention_days=7)
        for tenant in (make_tenant("acme"), other, bare):
            await repository.keep_tenant(tenant)
        assert list(await repository.tenants()) == [bare, other]
        assert await repository.delete_tenant("acme")
        assert not await repository.delete_tenant("acme")
        assert list(await repository.tenants()) == [other]

    async def test_a_tenant_of_the_configuration_is_not_kept(self, repository: MetadataRepository) -> None:
        with pytest.raises(StorageError, match="configuration"):
            await repository.keep_tenant(make_tenant("acme", configured=True))
        assert list(await repository.tenants()) == []

    async def test_keys_come_oldest_first(self, repository: MetadataRepository) -> None:
        keys = [
            make_key("b", created_at=BEGINNING - timedelta(days=1)),
            make_key("B"),
            make_key("a", tenant=None, agent=None, expires_at=None, role=AccessRole.ADMIN),
            make_key("é", revoked_at=BEGINNING, role=AccessRole.VIEWER),
            make_key("0", created_at=BEGINNING + timedelta(microseconds=1), role=AccessRole.OPERATOR),
        ]
        for key in reversed(keys):
            await repository.keep_key(key)
        assert list(await repository.keys()) == keys

    async def test_a_key_is_replaced(self, repository: MetadataRepository) -> None:
        await repository.keep_key(make_key("a"))
        revoked = make_key("a", digest="cd" * 32, revoked_at=BEGINNING + timedelta(hours=1))
        await repository.keep_key(revoked)
        assert list(await repository.keys()) == [revoked]

    async def test_moments_of_any_zone_are_kept_exactly(self, repository: MetadataRepository) -> None:
        moment = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-9, minutes=-30)))
        await repository.keep_tenant(make_tenant("a", created_at=moment))
        await repository.keep_key(make_key("a", created_at=moment, expires_at=datetime.max.replace(tzinfo=UTC)))
        await repository.keep_report(make_report("a", created_at=moment))
        await repository.append_audit(make_record("a", at=moment))
        (tenant,), (key,) = await repository.tenants(), await repository.keys()
        (report,), (entry,) = await repository.reports(EVERYONE, limit=1), await repository.audit(EVERYONE, limit=1)
        assert {tenant.created_at, key.created_at, report.created_at, entry.record.at} == {moment}
        assert key.expires_at == datetime.max.replace(tzinfo=UTC)

    async def test_versions_of_a_policy_count_from_one(self, repository: MetadataRepository) -> None:
        assert list(await repository.policy_versions("strict", limit=5)) == []
        kept = []
        for number in range(3):
            at = BEGINNING + timedelta(days=number)
            kept.append(await repository.keep_policy("strict", f"rules: {number}", author="ann", at=at))
        await repository.keep_policy("loose", "rules: []", author="bob", at=BEGINNING)
        assert kept[1] == PolicyVersion(
            name="strict", version=2, text="rules: 1", author="ann", created_at=BEGINNING + timedelta(days=1)
        )
        assert list(await repository.policy_versions("strict", limit=9)) == kept[::-1]
        assert list(await repository.policy_versions("strict", limit=2)) == kept[:0:-1]
        assert [one.version for one in await repository.policy_versions("loose", limit=9)] == [1]

    async def test_policies_kept_at_once_get_a_number_each(self, repository: MetadataRepository) -> None:
        versions = await asyncio.gather(
            *(repository.keep_policy("strict", f"{number}", author="ann", at=BEGINNING) for number in range(12))
        )
        assert sorted(one.version for one in versions) == list(range(1, 13))
        stored = await repository.policy_versions("strict", limit=50)
        assert list(stored) == sorted(versions, key=lambda one: one.version, reverse=True)

    async def test_a_long_policy_is_kept(self, repository: MetadataRepository) -> None:
        text = "# naïve 漢字\n" * 50_000
        await repository.keep_policy("long", text, author="ann", at=BEGINNING)
        (version,) = await repository.policy_versions("long", limit=1)
        assert version.text == text

    @pytest.mark.parametrize("what", _WITHOUT_ZONE)
    async def test_refuses_a_moment_without_zone(self, repository: MetadataRepository, what: str) -> None:
        with pytest.raises(StorageError, match="time zone"):
            await _WITHOUT_ZONE[what](repository)
        assert list(await repository.tenants()) == []
        assert list(await repository.keys()) == []
        assert list(await repository.policy_versions("a", limit=1)) == []
        assert list(await repository.sightings(EVERYONE, limit=1)) == []
        assert list(await repository.reports(EVERYONE, limit=1)) == []
        assert list(await repository.triage(EVERYONE, ["a"])) == []
        assert await repository.incident(EVERYONE, "a") is None

    @pytest.mark.parametrize("what", _EMPTY_PAGES)
    async def test_refuses_a_page_of_nothing(self, repository: MetadataRepository, what: str) -> None:
        with pytest.raises(StorageError, match="at least 1"):
            await _EMPTY_PAGES[what](repository)

    @pytest.mark.parametrize("what", _UNUSABLE)
    async def test_use_after_close_is_a_storage_error(self, repository: MetadataRepository, what: str) -> None:
        await repository.close()
        await repository.close()
        with pytest.raises(StorageError):
            await _UNUSABLE[what](repository)


class SharedMetadataContract(
    SharedAuditContract, SharedIncidentsContract, SharedSightingsContract, SharedTriageContract
):
    """What holds besides where two repositories, `repository` and `other`, stand over one database."""

    pytestmark = pytest.mark.asyncio

    async def test_one_sees_what_the_other_kept(
        self, repository: MetadataRepository, other: MetadataRepository
    ) -> None:
        await repository.keep_setting("a", "1")
        await repository.keep_tenant(make_tenant("acme"))
        await repository.keep_key(make_key("k"))
        await repository.keep_report(make_report("r"))
        assert await other.setting("a") == "1"
        assert list(await other.tenants()) == [make_tenant("acme")]
        assert list(await other.keys()) == [make_key("k")]
        assert await other.report(EVERYONE, "r") == make_report("r")
        await other.keep_key(make_key("k", revoked_at=BEGINNING))
        assert list(await repository.keys()) == [make_key("k", revoked_at=BEGINNING)]

    async def test_two_number_policies_without_gaps(
        self, repository: MetadataRepository, other: MetadataRepository
    ) -> None:
        kept = await asyncio.gather(
            *((repository, other)[number % 2].keep_policy("p", "", author="", at=BEGINNING) for number in range(30))
        )
        assert sorted(one.version for one in kept) == list(range(1, 31))
