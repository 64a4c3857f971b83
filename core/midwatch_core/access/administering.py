"""Administering tenants and keys: as the caller may, on record, and noticed by every node."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from midwatch_core.access.audit_verifying import Anchor, Verified, verify_audit
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.claims import fault_of
from midwatch_core.access.errors import AccessDeniedError, AdministrationError
from midwatch_core.access.identifying import label
from midwatch_core.access.keys import SHAPE, NewKey, id_of, key_digest, new_key
from midwatch_core.clock import Clock
from midwatch_core.ids import uuid7
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.tenant import Tenant
from midwatch_core.ports import MetadataRepository

# This setting has another value after each change of tenants or keys: by it other nodes notice.
VERSION_SETTING = "access_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """A key to be made. `tenant` None is a key of the installation; `expires_at` None is one that stays valid."""

    role: AccessRole
    tenant: str | None = None
    label: str = ""
    agent: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A key that was made, and its `text`: shown to whoever asked, once, and kept nowhere."""

    key: ApiKey
    text: str = field(repr=False)


class Administration:
    """Tenants and keys, as a caller may see and change them: an admin those of its tenant, or of all.

    Tenants themselves are changed by admins of the installation alone: by its networks a tenant could claim another's
    calls. `configured` gives the tenants that stand in the configuration, `changed` is told of each change, `anchor`
    gives what this node remembers of the audit log. Every method raises AccessDeniedError, AdministrationError where
    what is asked can't be done, and StorageError.
    """

    def __init__(
        self,
        metadata: MetadataRepository,
        clock: Clock,
        *,
        configured: Callable[[], Sequence[Tenant]],
        changed: Callable[[], Awaitable[None]] | None = None,
        anchor: Callable[[], Anchor | None] = lambda: None,
    ) -> None:
        self._metadata = metadata
        self.clock = clock
        self._configured = configured
        self._changed = changed
        self._anchor = anchor
        self._lock = asyncio.Lock()

    async def keys(self, caller: Caller) -> list[ApiKey]:
        """The keys the caller administers, oldest first, also those no longer valid."""
        _check_admin(caller)
        return [key for key in await self._metadata.keys() if _has(caller, key.tenant)]

    async def create_key(self, caller: Caller, wish: KeyWish) -> MadeKey:
        """Make a key: of the caller's tenant, and of no wider role."""
        async with self._lock:
            await self._check_wish(caller, wish)
            fresh = await self._fresh()
            return MadeKey(key=await self._keep_new(caller, wish, fresh, "key.create"), text=fresh.text)

    async def take_key(self, caller: Caller, wish: KeyWish, text: str) -> ApiKey:
        """Keep a key that was made elsewhere; it must have the shape of one, and an id that no other has."""
        async with self._lock:
            await self._check_wish(caller, wish)
            key_id = id_of(text)
            if key_id is None:
                raise AdministrationError(f"a key is {SHAPE}")
            if any(key.id == key_id for key in await self._metadata.keys()):
                raise AdministrationError(f"there is a key {key_id} already")
            return await self._keep_new(caller, wish, NewKey(id=key_id, text=text), "key.create")

    async def rotate_key(self, caller: Caller, key_id: str, *, grace: timedelta) -> MadeKey:
        """A new key in place of one, for as long as that was made for; the old one stays valid for `grace`."""
        if grace < timedelta():
            raise AdministrationError("a time of grace can't be negative")
        async with self._lock:
            old = await self._key(caller, key_id)
            now = self.clock.now()
            if not old.valid_at(now):
                raise AdministrationError(f"{key_id} is not valid any more: create a key instead")
            lives = None if old.expires_at is None else _after(now, old.expires_at - old.created_at)
            ends = _after(now, grace) if old.expires_at is None else min(_after(now, grace), old.expires_at)
            wish = KeyWish(role=old.role, tenant=old.tenant, label=old.label, agent=old.agent, expires_at=lives)
            fresh = await self._fresh()
            key = await self._keep_new(caller, wish, fresh, "key.rotate", replaces=old.id)
            await self._keep_key(caller, replace(old, expires_at=ends), "key.expire", expires_at=ends.isoformat())
            return MadeKey(key=key, text=fresh.text)

    async def expire_key(self, caller: Caller, key_id: str, at: datetime) -> ApiKey:
        """Let a key be valid until `at`, which may be sooner or later than before."""
        if at.tzinfo is None:
            raise AdministrationError("a key expires at a moment with a time zone")
        async with self._lock:
            old = await self._key(caller, key_id)
            if old.revoked_at is not None:
                raise AdministrationError(f"{key_id} was revoked: create a key instead")
            return await self._keep_key(caller, replace(old, expires_at=at), "key.expire", expires_at=at.isoformat())

    async def revoke_key(self, caller: Caller, key_id: str) -> ApiKey:
        """End a key, now and for good. Doing it again is no error: the first time may not have reached every node."""
        async with self._lock:
            key = await self._key(caller, key_id)
            return await self._revoke(caller, key)

    async def note(self, caller: Caller, action: str, subject: str, details: Mapping[str, str]) -> None:
        """Put on record what a command of a plugin is about to do to the installation."""
        _check_all(caller)
        record = AuditRecord(at=self.clock.now(), actor=caller.name, action=action, subject=subject, details=details)
        await self._metadata.append_audit(record)

    async def tenants(self, caller: Caller) -> list[Tenant]:
        """The tenants the caller administers: those of the configuration, then those of the store, by name."""
        _check_admin(caller)
        return [tenant for tenant in await self._tenants() if _has(caller, tenant.name)]

    async def add_tenant(self, caller: Caller, tenant: Tenant) -> Tenant:
        """Keep a new tenant."""
        _check_all(caller)
        async with self._lock:
            others = await self._tenants()
            if any(other.name == tenant.name for other in others):
                raise AdministrationError(f"the tenant {tenant.name} is there already")
            return await self._keep_tenant(caller, tenant, others, "tenant.add")

    async def change_tenant(self, caller: Caller, tenant: Tenant) -> Tenant:
        """Keep a tenant in place of the one of its name."""
        _check_all(caller)
        async with self._lock:
            others = await self._tenants()
            before = _stored(tenant.name, others)
            return await self._keep_tenant(
                caller, replace(tenant, created_at=before.created_at), others, "tenant.change"
            )

    async def remove_tenant(self, caller: Caller, name: str) -> int:
        """Forget a tenant, its keys revoked first; how many those were. What is kept of its calls stays."""
        _check_all(caller)
        async with self._lock:
            _stored(name, await self._tenants())
            own = [key for key in await self._metadata.keys() if key.tenant == name and key.revoked_at is None]
            for key in own:
                await self._revoke(caller, key)
            async with self._recorded(caller, "tenant.remove", name, tenant=name):
                await self._metadata.delete_tenant(name)
            return len(own)

    async def audit(self, caller: Caller, *, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """A page of the audit log in the caller's scope, newest first."""
        _check(caller, Permission.READ)
        return await self._metadata.audit(caller.scope, limit=limit, before=before)

    async def verify_audit(self, caller: Caller) -> Verified:
        """Whether the whole audit log holds (see `audit_verifying`)."""
        _check_all(caller, Permission.READ)
        return await verify_audit(self._metadata, self._anchor())

    async def _check_wish(self, caller: Caller, wish: KeyWish) -> None:
        _check_admin(caller)
        if not _has(caller, wish.tenant) or not caller.may_grant(wish.role):
            raise AccessDeniedError(f"{caller.name} makes keys of the tenant {caller.tenant} only, and no wider ones")
        if wish.tenant is not None and all(tenant.name != wish.tenant for tenant in await self._tenants()):
            raise AdministrationError(f"there is no tenant {wish.tenant}")
        ends = wish.expires_at
        if ends is not None and (ends.tzinfo is None or ends <= self.clock.now()):
            raise AdministrationError("a key expires at a moment to come, with a time zone")

    async def _fresh(self) -> NewKey:
        """A new key whose id no other has: one in a million million must be made twice."""
        taken = {key.id for key in await self._metadata.keys()}
        while (fresh := new_key()).id in taken:
            pass
        return fresh

    async def _keep_new(self, caller: Caller, wish: KeyWish, fresh: NewKey, action: str, **details: str) -> ApiKey:
        key = ApiKey(
            id=fresh.id,
            digest=key_digest(fresh.text),
            role=wish.role,
            tenant=wish.tenant,
            created_at=self.clock.now(),
            label=label(wish.label) or "",
            agent=label(wish.agent),
            expires_at=wish.expires_at,
        )
        return await self._keep_key(caller, key, action, role=key.role.value, **details)

    async def _revoke(self, caller: Caller, key: ApiKey) -> ApiKey:
        ended = replace(key, revoked_at=key.revoked_at or self.clock.now())
        return await self._keep_key(caller, ended, "key.revoke")

    async def _keep_key(self, caller: Caller, key: ApiKey, action: str, **details: str) -> ApiKey:
        async with self._recorded(caller, action, key.id, tenant=key.tenant, **details):
            await self._metadata.keep_key(key)
        return key

    async def _keep_tenant(self, caller: Caller, tenant: Tenant, others: Sequence[Tenant], action: str) -> Tenant:
        tenant = replace(tenant, title=label(tenant.title) or "", configured=False)
        if fault := fault_of(tenant, others):
            raise AdministrationError(fault)
        told = {
            "title": tenant.title,
            "networks": ", ".join(tenant.networks),
            "provider_keys": ", ".join(tenant.provider_keys),
            "certificates": ", ".join(tenant.certificates),
            "retention_days": "" if tenant.retention_days is None else f"{tenant.retention_days:g}",
        }
        told = {name: text for name, text in told.items() if text}
        async with self._recorded(caller, action, tenant.name, tenant=tenant.name, **told):
            await self._metadata.keep_tenant(tenant)
        return tenant

    @asynccontextmanager
    async def _recorded(
        self, caller: Caller, action: str, subject: str, *, tenant: str | None, **details: str
    ) -> AsyncIterator[None]:
        """A change: put on record first, for none may go unrecorded, and made known last, when it can be read."""
        record = AuditRecord(
            at=self.clock.now(), actor=caller.name, action=action, subject=subject, details=details, tenant=tenant
        )
        await self._metadata.append_audit(record)
        try:
            yield
            await self._metadata.keep_setting(VERSION_SETTING, uuid7(self.clock.now().timestamp()))
        finally:
            if self._changed is not None:
                await self._changed()  # a store that failed may have done it all the same

    async def _tenants(self) -> list[Tenant]:
        configured = self._configured()
        names = {tenant.name for tenant in configured}
        return [*configured, *(tenant for tenant in await self._metadata.tenants() if tenant.name not in names)]

    async def _key(self, caller: Caller, key_id: str) -> ApiKey:
        """The key, where the caller administers it; another tenant's is as good as not there."""
        for key in await self.keys(caller):
            if key.id == key_id:
                return key
        raise AdministrationError(f"there is no key {key_id}")


def _check(caller: Caller, permission: Permission) -> None:
    if not caller.may(permission):
        raise AccessDeniedError(f"{caller.name} has the role {caller.role.value}, which may not {permission.value}")


def _check_admin(caller: Caller) -> None:
    _check(caller, Permission.ADMINISTER)


def _check_all(caller: Caller, permission: Permission = Permission.ADMINISTER) -> None:
    _check(caller, permission)
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and this concerns all")


def _after(now: datetime, time: timedelta) -> datetime:
    """So much later. Raises AdministrationError for a moment that no calendar has."""
    try:
        return now + time
    except OverflowError as error:
        raise AdministrationError("that is further in the future than time is counted") from error


def _has(caller: Caller, tenant: str | None) -> bool:
    """Whether what belongs to this tenant, or with None to the installation, is the caller's to administer."""
    return caller.tenant is None or caller.tenant == tenant


def _stored(name: str, tenants: Sequence[Tenant]) -> Tenant:
    """The tenant of the store of this name. Raises AdministrationError."""
    for tenant in tenants:
        if tenant.name == name:
            if tenant.configured:
                raise AdministrationError(f"the tenant {name} stands in the configuration, and is changed there")
            return tenant
    raise AdministrationError(f"there is no tenant {name}")
