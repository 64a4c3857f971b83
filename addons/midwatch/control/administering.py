"""Tenants, keys and the audit log over the control socket: a message becomes what `Administration` does.

The socket is the home's owner's alone, so whoever asks here is the machine's own user.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from midwatch_core.access.administering import Administration, KeyWish, MadeKey
from midwatch_core.access.caller import LOCAL
from midwatch_core.access.errors import AdministrationError
from midwatch_core.access.rows import audit_row, key_row, tenant_row
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.tenant import Tenant

OPERATIONS = frozenset(
    {
        "tenants",
        "tenant_add",
        "tenant_set",
        "tenant_remove",
        "keys",
        "key_create",
        "key_rotate",
        "key_revoke",
        "audit",
        "audit_verify",
        "audit_note",
    }
)
"""What `administer` does: the values of a message's `op`."""

# Entries of the audit log in one answer: unless asked otherwise, and at most.
_PAGE = 100
_MOST = 1000
_CLAIMS = ("networks", "provider_keys", "certificates")


async def administer(administration: Administration, message: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a message asks. What can't be done is in the answer's `error`; a new key is in its `key`, once."""
    try:
        match str(message.get("op")).partition("_")[0]:
            case "tenants" | "tenant":
                return await _tenants(administration, message)
            case "keys" | "key":
                return await _keys(administration, message)
            case "audit":
                return await _audit(administration, message)
    except KeyError as error:
        return {"error": f"the question has no {error}"}
    except (AdministrationError, StorageError, ConfigError, ValueError, TypeError, OverflowError) as error:
        return {"error": str(error)}
    return _no_such(message)


async def _tenants(administration: Administration, message: Mapping[str, Any]) -> dict[str, Any]:
    match message["op"]:
        case "tenants":
            return {"rows": [tenant_row(tenant) for tenant in await administration.tenants(LOCAL)]}
        case "tenant_add":
            fresh = _told(Tenant(name=str(message["name"]), created_at=administration.clock.now()), message)
            return {"row": tenant_row(await administration.add_tenant(LOCAL, fresh))}
        case "tenant_set":
            before = await _tenant(administration, str(message["name"]))
            return {"row": tenant_row(await administration.change_tenant(LOCAL, _told(before, message)))}
        case "tenant_remove":
            return {"revoked": await administration.remove_tenant(LOCAL, str(message["name"]))}
    return _no_such(message)


async def _keys(administration: Administration, message: Mapping[str, Any]) -> dict[str, Any]:
    match message["op"]:
        case "keys":
            return {"rows": [key_row(key, administration.clock.now()) for key in await administration.keys(LOCAL)]}
        case "key_create":
            return _shown(await administration.create_key(LOCAL, _wish(message)), administration.clock.now())
        case "key_rotate":
            grace = timedelta(seconds=float(message["grace_s"]))
            return _shown(
                await administration.rotate_key(LOCAL, str(message["id"]), grace=grace), administration.clock.now()
            )
        case "key_revoke":
            return {
                "row": key_row(await administration.revoke_key(LOCAL, str(message["id"])), administration.clock.now())
            }
    return _no_such(message)


async def _audit(administration: Administration, message: Mapping[str, Any]) -> dict[str, Any]:
    match message["op"]:
        case "audit":
            limit, before, tenant = (message.get(name) for name in ("limit", "before", "tenant"))
            entries = await administration.audit(
                LOCAL if tenant is None else replace(LOCAL, tenant=str(tenant)),
                limit=_PAGE if limit is None else min(int(limit), _MOST),
                before=None if before is None else int(before),
            )
            return {"rows": [audit_row(entry) for entry in entries]}
        case "audit_verify":
            verified = await administration.verify_audit(LOCAL)
            fault = verified.fault
            return {
                "entries": verified.entries,
                "anchored": verified.anchored,
                "fault": None if fault is None else {"number": fault.number, "reason": fault.reason},
            }
        case "audit_note":
            details = {str(name): str(text) for name, text in dict(message.get("details") or {}).items()}
            await administration.note(LOCAL, str(message["action"]), str(message["subject"]), details)
            return {"noted": True}
    return _no_such(message)


def _no_such(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": f"no such question: {message.get('op')!r}"}


def _wish(message: Mapping[str, Any]) -> KeyWish:
    expires_at = message.get("expires_at")
    return KeyWish(
        role=AccessRole(message["role"]),
        tenant=message.get("tenant"),
        label=str(message.get("label") or ""),
        agent=message.get("agent"),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
    )


def _shown(made: MadeKey, at: datetime) -> dict[str, Any]:
    return {"row": key_row(made.key, at), "key": made.text}


async def _tenant(administration: Administration, name: str) -> Tenant:
    for tenant in await administration.tenants(LOCAL):
        if tenant.name == name:
            return tenant
    raise AdministrationError(f"there is no tenant {name}")


def _told(tenant: Tenant, message: Mapping[str, Any]) -> Tenant:
    """The tenant with what the message says of it; what it does not name stays."""
    told: dict[str, Any] = {name: tuple(str(item) for item in message[name]) for name in _CLAIMS if name in message}
    if "title" in message:
        told["title"] = str(message["title"])
    if "retention_days" in message:
        days = message["retention_days"]
        told["retention_days"] = None if days is None else float(days)
    return replace(tenant, **told)
