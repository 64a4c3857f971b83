"""Administration: every role and tenant at every operation; on record, noticed by others, and nothing kept of a key."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from midwatch_core.access.administering import VERSION_SETTING, Administration, KeyWish
from midwatch_core.access.caller import Caller
from midwatch_core.access.errors import AccessDeniedError, AdministrationError
from midwatch_core.access.keys import is_key_of, key_digest, new_key
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.tenant import Tenant
from midwatch_core.ports import Scope
from midwatch_memory.metadata import MemoryMetadata
from tests.core.access.conftest import NOW, StandingClock, key_of, tenant

ADMIN = Caller(name="mw_adminkey", role=AccessRole.ADMIN)
CONFIGURED = (replace(tenant("default"), configured=True),)
WHOSE = (None, "a", "b")
CALLERS = [Caller(name=f"{role}-of-{whose}", role=role, tenant=whose) for role, whose in product(AccessRole, WHOSE)]
LATER = NOW + timedelta(days=1)


class House:
    """An administration, its store, and how often it told of a change."""

    def __init__(self, metadata: MemoryMetadata, clock: StandingClock) -> None:
        self.metadata = metadata
        self.clock = clock
        self.changes = 0
        self.administration = Administration(metadata, clock, configured=lambda: CONFIGURED, changed=self._changed)

    async def _changed(self) -> None:
        self.changes += 1

    async def furnish(self) -> None:
        """Two tenants, and a key of each and of none."""
        for name in ("a", "b"):
            await self.metadata.keep_tenant(tenant(name, networks=("10.0.0.0/8",) if name == "a" else ()))
        for whose in WHOSE:
            await self.metadata.keep_key(replace(key_of(whose)[1], id=f"key-of-{whose}"))

    async def kept(self) -> tuple[Any, ...]:
        return (
            await self.metadata.keys(),
            await self.metadata.tenants(),
            await self.records(),
            await self.metadata.setting(VERSION_SETTING),
            self.changes,
        )

    async def records(self) -> list[AuditRecord]:
        entries = await self.metadata.audit(Scope(), limit=100)
        return [entry.record for entry in reversed(entries)]

    async def key(self, key_id: str) -> ApiKey:
        (found,) = [key for key in await self.metadata.keys() if key.id == key_id]
        return found


@pytest.fixture
async def house(metadata: MemoryMetadata, clock: StandingClock) -> House:
    made = House(metadata, clock)
    await made.furnish()
    return made


type Operation = Callable[[Administration, Caller, str | None], Awaitable[object]]


def _creates(role: AccessRole) -> Operation:
    return lambda house, caller, whose: house.create_key(caller, KeyWish(role=role, tenant=whose))


ON_KEYS: dict[str, Operation] = {
    **{f"create {role}": _creates(role) for role in AccessRole},
    "take": lambda house, caller, whose: house.take_key(
        caller, KeyWish(role=AccessRole.CLIENT, tenant=whose), new_key().text
    ),
    "rotate": lambda house, caller, whose: house.rotate_key(caller, f"key-of-{whose}", grace=timedelta(hours=1)),
    "expire": lambda house, caller, whose: house.expire_key(caller, f"key-of-{whose}", LATER),
    "revoke": lambda house, caller, whose: house.revoke_key(caller, f"key-of-{whose}"),
}
ON_TENANTS: dict[str, Operation] = {
    "add": lambda house, caller, whose: house.add_tenant(caller, tenant(f"new-{whose}")),
    "change": lambda house, caller, whose: house.change_tenant(caller, replace(tenant(str(whose)), title="New")),
    "remove": lambda house, caller, whose: house.remove_tenant(caller, str(whose)),
}


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("name", ON_KEYS)
async def test_keys_are_changed_by_admins_of_their_tenant_or_of_all(
    house: House, name: str, whose: str | None, caller: Caller
) -> None:
    before = await house.kept()
    if caller.role is AccessRole.ADMIN and caller.tenant in (None, whose):
        await ON_KEYS[name](house.administration, caller, whose)
        records = await house.records()
        assert records
        assert {(record.actor, record.tenant) for record in records} == {(caller.name, whose)}
        assert await house.metadata.setting(VERSION_SETTING)
        assert house.changes
        return
    hidden = caller.role is AccessRole.ADMIN and name in ("rotate", "expire", "revoke")
    with pytest.raises(AdministrationError) as raised:
        await ON_KEYS[name](house.administration, caller, whose)
    # A key of another tenant is as good as not there; all else is said to be not allowed.
    assert isinstance(raised.value, AccessDeniedError) is not hidden
    assert await house.kept() == before


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
async def test_what_a_command_does_is_noted_by_admins_of_all_alone(house: House, caller: Caller) -> None:
    if caller.role is AccessRole.ADMIN and caller.tenant is None:
        await house.administration.note(caller, "alert.test", "ops", {"why": "a try"})
        (record,) = await house.records()
        assert record == AuditRecord(
            at=NOW, actor=caller.name, action="alert.test", subject="ops", details={"why": "a try"}
        )
        return
    with pytest.raises(AccessDeniedError):
        await house.administration.note(caller, "alert.test", "ops", {})
    assert await house.records() == []


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
@pytest.mark.parametrize("whose", ["a", "b"])
@pytest.mark.parametrize("name", ON_TENANTS)
async def test_tenants_are_changed_by_admins_of_all_alone(house: House, name: str, whose: str, caller: Caller) -> None:
    before = await house.kept()
    if caller.role is AccessRole.ADMIN and caller.tenant is None:
        await ON_TENANTS[name](house.administration, caller, whose)
        assert (await house.records())[-1].action == f"tenant.{name}"
        assert house.changes
        return
    with pytest.raises(AccessDeniedError):
        await ON_TENANTS[name](house.administration, caller, whose)
    assert await house.kept() == before


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
async def test_each_caller_sees_what_is_its_own(house: House, caller: Caller) -> None:
    administration = house.administration
    await administration.revoke_key(ADMIN, "key-of-a")
    await administration.revoke_key(ADMIN, "key-of-None")
    seen: list[tuple[str, Callable[[], Awaitable[Any]], bool]] = [
        ("keys", lambda: administration.keys(caller), caller.role is AccessRole.ADMIN),
        ("tenants", lambda: administration.tenants(caller), caller.role is AccessRole.ADMIN),
        ("audit", lambda: administration.audit(caller, limit=9), caller.role is not AccessRole.CLIENT),
        (
            "verify",
            lambda: administration.verify_audit(caller),
            caller.role is not AccessRole.CLIENT and caller.tenant is None,
        ),
    ]
    told: dict[str, Any] = {}
    for name, look, allowed in seen:
        if allowed:
            told[name] = await look()
        else:
            with pytest.raises(AccessDeniedError):
                await look()
    whose = {None, "a", "b"} if caller.tenant is None else {caller.tenant}
    if "keys" in told:
        assert {key.tenant for key in told["keys"]} == whose
        assert {item.name for item in told["tenants"]} == (whose - {None} | {"default"} if None in whose else whose)
    if "audit" in told:
        assert {entry.record.tenant for entry in told["audit"]} == whose & {None, "a"}
    if "verify" in told:
        assert (told["verify"].entries, told["verify"].fault) == (2, None)


async def test_a_new_key_is_given_once_and_only_its_digest_is_kept(house: House) -> None:
    wish = KeyWish(role=AccessRole.VIEWER, tenant="a", label=" Ada's\n ", agent="robot", expires_at=LATER)
    made = await house.administration.create_key(ADMIN, wish)
    assert is_key_of(made.text, made.key.digest)
    assert await house.key(made.key.id) == made.key
    assert (made.key.role, made.key.tenant, made.key.label, made.key.agent, made.key.created_at) == (
        AccessRole.VIEWER,
        "a",
        "Ada's",
        "robot",
        NOW,
    )
    (record,) = await house.records()
    assert (record.action, record.subject, record.details) == ("key.create", made.key.id, {"role": "viewer"})
    assert made.text not in repr(made)
    assert made.text[len(made.key.id) :] not in repr(await house.kept())


@pytest.mark.parametrize("ends", [NOW, NOW - timedelta(days=1), datetime(2200, 1, 1)])
async def test_a_key_expires_at_a_moment_to_come(house: House, ends: datetime) -> None:
    with pytest.raises(AdministrationError, match="to come"):
        await house.administration.create_key(ADMIN, KeyWish(role=AccessRole.CLIENT, expires_at=ends))


async def test_a_key_is_of_a_tenant_there_is(house: House) -> None:
    await house.administration.create_key(ADMIN, KeyWish(role=AccessRole.CLIENT, tenant="default"))
    with pytest.raises(AdministrationError, match="no tenant nosuch"):
        await house.administration.create_key(ADMIN, KeyWish(role=AccessRole.CLIENT, tenant="nosuch"))


async def test_a_key_that_was_made_elsewhere_has_the_shape_of_one_and_a_free_id(house: House) -> None:
    made, wish = new_key(), KeyWish(role=AccessRole.CLIENT)
    assert (await house.administration.take_key(ADMIN, wish, made.text)).digest == key_digest(made.text)
    for text, problem in ((made.text, "already"), (made.id + "_" + "x" * 40, "already"), ("password", "a key is mw_")):
        with pytest.raises(AdministrationError, match=problem) as raised:
            await house.administration.take_key(ADMIN, wish, text)
        assert "x" * 40 not in str(raised.value)


async def test_a_rotated_key_has_a_successor_like_it_and_a_time_of_grace(house: House) -> None:
    wish = KeyWish(role=AccessRole.OPERATOR, tenant="a", label="ci", agent="robot", expires_at=NOW + timedelta(days=10))
    old = (await house.administration.create_key(ADMIN, wish)).key
    house.clock.move(timedelta(days=9))
    now = house.clock.now()
    made = await house.administration.rotate_key(ADMIN, old.id, grace=timedelta(hours=1))
    assert made.key == replace(
        old, id=made.key.id, digest=key_digest(made.text), created_at=now, expires_at=now + timedelta(days=10)
    )
    assert (await house.key(old.id)).expires_at == now + timedelta(hours=1)
    assert [record.action for record in await house.records()] == ["key.create", "key.rotate", "key.expire"]


async def test_grace_never_makes_a_key_live_longer(house: House) -> None:
    wish = KeyWish(role=AccessRole.CLIENT, expires_at=LATER)
    old = (await house.administration.create_key(ADMIN, wish)).key
    await house.administration.rotate_key(ADMIN, old.id, grace=timedelta(days=30))
    assert (await house.key(old.id)).expires_at == LATER
    await house.administration.rotate_key(ADMIN, old.id, grace=timedelta())
    assert not (await house.key(old.id)).valid_at(NOW)


async def test_a_successor_that_would_outlive_the_calendar_is_not_made(house: House) -> None:
    wish = KeyWish(role=AccessRole.CLIENT, expires_at=datetime.max.replace(tzinfo=NOW.tzinfo))
    old = (await house.administration.create_key(ADMIN, wish)).key
    house.clock.move(timedelta(days=1))
    for key_id, grace in ((old.id, timedelta()), ("key-of-a", timedelta.max)):
        before = await house.kept()
        with pytest.raises(AdministrationError, match="further in the future"):
            await house.administration.rotate_key(ADMIN, key_id, grace=grace)
        assert await house.kept() == before


async def test_what_is_over_is_not_rotated_nor_prolonged(house: House) -> None:
    administration = house.administration
    await administration.revoke_key(ADMIN, "key-of-a")
    await administration.expire_key(ADMIN, "key-of-b", NOW)
    for key_id in ("key-of-a", "key-of-b"):
        with pytest.raises(AdministrationError, match="not valid any more"):
            await administration.rotate_key(ADMIN, key_id, grace=timedelta())
    with pytest.raises(AdministrationError, match="was revoked"):
        await administration.expire_key(ADMIN, "key-of-a", LATER)
    with pytest.raises(AdministrationError, match="negative"):
        await administration.rotate_key(ADMIN, "key-of-None", grace=timedelta(seconds=-1))
    with pytest.raises(AdministrationError, match="time zone"):
        await administration.expire_key(ADMIN, "key-of-None", datetime(2200, 1, 1))


async def test_revoking_again_says_so_again_and_keeps_the_first_moment(house: House) -> None:
    await house.administration.revoke_key(ADMIN, "key-of-a")
    version = await house.metadata.setting(VERSION_SETTING)
    house.clock.move(timedelta(hours=1))
    assert (await house.administration.revoke_key(ADMIN, "key-of-a")).revoked_at == NOW
    assert await house.metadata.setting(VERSION_SETTING) != version


async def test_a_tenant_that_goes_takes_its_keys_with_it(house: House) -> None:
    made = await house.administration.create_key(ADMIN, KeyWish(role=AccessRole.ADMIN, tenant="a"))
    assert await house.administration.remove_tenant(ADMIN, "a") == 2
    assert [item.name for item in await house.metadata.tenants()] == ["b"]
    assert (await house.key(made.key.id)).revoked_at == (await house.key("key-of-a")).revoked_at == NOW
    assert (await house.key("key-of-b")).revoked_at is None
    assert [record.action for record in await house.records()][1:] == ["key.revoke", "key.revoke", "tenant.remove"]


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (tenant("a"), "there already"),
        (tenant("default"), "there already"),
        (tenant(""), "a tenant's name is"),
        (tenant("{braces}"), "a tenant's name is"),
        (tenant("x" * 65), "a tenant's name is"),
        (tenant("new\n"), "a tenant's name is"),
        (tenant("new", networks=("10.0.0.0/8",)), "10.0.0.0/8 belongs to the tenant a already"),
        (tenant("new", networks=("10.0.0.1/8",)), "networks: "),
        (tenant("new", provider_keys=("sk-proj-secret",)), "provider_keys: a fingerprint is 16 hex digits"),
        (tenant("new", certificates=(" ",)), "certificates: "),
        (replace(tenant("new"), retention_days=0), "retention_days: "),
    ],
)
async def test_a_tenant_that_cannot_be_kept(house: House, told: Tenant, problem: str) -> None:
    before = await house.kept()
    with pytest.raises(AdministrationError, match=problem) as raised:
        await house.administration.add_tenant(ADMIN, told)
    assert "sk-proj-secret" not in str(raised.value)
    assert await house.kept() == before


async def test_a_tenant_is_changed_as_a_whole_and_keeps_its_beginning(house: House) -> None:
    house.clock.move(timedelta(days=1))
    changed = replace(tenant("a", networks=("11.0.0.0/8",)), created_at=house.clock.now(), title="A\x1b")
    kept = await house.administration.change_tenant(ADMIN, changed)
    assert kept == (await house.metadata.tenants())[0] == replace(changed, created_at=NOW, title="A")
    assert (await house.records())[-1].details == {"title": "A", "networks": "11.0.0.0/8"}


@pytest.mark.parametrize("name", ["change", "remove"])
@pytest.mark.parametrize(("whose", "problem"), [("nosuch", "no tenant"), ("default", "stands in the configuration")])
async def test_what_is_configured_or_not_there_is_not_changed(
    house: House, name: str, whose: str, problem: str
) -> None:
    with pytest.raises(AdministrationError, match=problem):
        await ON_TENANTS[name](house.administration, ADMIN, whose)


class NoAudit(MemoryMetadata):
    """A store whose audit log takes nothing."""

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        raise StorageUnavailableError("the disk is full")


async def test_nothing_is_changed_that_cannot_be_put_on_record(clock: StandingClock) -> None:
    metadata = NoAudit()
    await metadata.start()
    house = House(metadata, clock)
    await house.furnish()
    before = (await metadata.keys(), await metadata.tenants())
    for operation in (*ON_KEYS.values(), *ON_TENANTS.values()):
        with pytest.raises(StorageUnavailableError):
            await operation(house.administration, ADMIN, "a")
    assert (await metadata.keys(), await metadata.tenants()) == before
    assert house.changes == 0


class NoKeys(MemoryMetadata):
    """A store that goes away when a key is to be kept."""

    away = False

    async def keep_key(self, key: ApiKey) -> None:
        if self.away:
            raise StorageUnavailableError("away")
        await super().keep_key(key)


async def test_a_change_that_may_have_been_made_is_told_of(clock: StandingClock) -> None:
    metadata = NoKeys()
    await metadata.start()
    house = House(metadata, clock)
    await house.furnish()
    metadata.away = True
    with pytest.raises(StorageUnavailableError):
        await house.administration.revoke_key(ADMIN, "key-of-a")
    assert house.changes == 1


async def test_two_at_once_take_turns(house: House) -> None:
    made = await asyncio.gather(
        *(house.administration.create_key(ADMIN, KeyWish(role=AccessRole.CLIENT)) for _ in range(20)),
        *(house.administration.revoke_key(ADMIN, "key-of-a") for _ in range(5)),
        *(house.administration.expire_key(ADMIN, "key-of-b", LATER) for _ in range(5)),
    )
    assert len(made) == 30
    assert len(await house.metadata.keys()) == 23
    assert (await house.key("key-of-a")).revoked_at == NOW
