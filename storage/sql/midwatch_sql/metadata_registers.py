"""Settings, tenants and keys: how they are written and read."""

from collections.abc import Sequence

import orjson

from midwatch_core import AccessRole, ApiKey, StorageError, Tenant, microseconds, moment_of
from midwatch_sql.columns import API_KEYS, SETTINGS, TENANTS
from midwatch_sql.dialogue import Dialogue, Statement, chosen, replace
from midwatch_sql.moments import optional_microseconds, optional_moment

_SETTING = "SELECT value FROM settings WHERE key = :key"
_KEEP_SETTING = replace("settings", SETTINGS)
_TENANTS = f"{chosen('tenants', TENANTS)} ORDER BY name"
_KEEP_TENANT = replace("tenants", TENANTS)
_DELETE_TENANT = "DELETE FROM tenants WHERE name = :name RETURNING name"
_KEYS = f"{chosen('api_keys', API_KEYS)} ORDER BY created_at, id"
_KEEP_KEY = replace("api_keys", API_KEYS)


def setting(key: str) -> Dialogue[str | None]:
    """The value kept under `key`."""
    rows = yield Statement(sql=_SETTING, values={"key": key})
    return str(rows[0][0]) if rows else None


def keep_setting(key: str, value: str) -> Dialogue[None]:
    """Keep `value` under `key`."""
    yield Statement(sql=_KEEP_SETTING, values={"key": key, "value": value})


def tenants() -> Dialogue[Sequence[Tenant]]:
    """All tenants, by name."""
    rows = yield Statement(sql=_TENANTS)
    return [
        Tenant(
            name=name,
            created_at=moment_of(created_at),
            title=title,
            networks=tuple(orjson.loads(networks)),
            provider_keys=tuple(orjson.loads(provider_keys)),
            certificates=tuple(orjson.loads(certificates)),
            retention_days=retention_days,
        )
        for name, created_at, title, networks, provider_keys, certificates, retention_days in rows
    ]


def keep_tenant(tenant: Tenant) -> Dialogue[None]:
    """Keep a tenant, replacing the one of its name. Raises StorageError for one of the configuration."""
    if tenant.configured:
        raise StorageError(f"tenant {tenant.name[:60]!r} stands in the configuration: change it there")
    values = {
        "name": tenant.name,
        "created_at": microseconds(tenant.created_at),
        "title": tenant.title,
        "networks": orjson.dumps(tenant.networks).decode(),
        "provider_keys": orjson.dumps(tenant.provider_keys).decode(),
        "certificates": orjson.dumps(tenant.certificates).decode(),
        "retention_days": tenant.retention_days,
    }
    yield Statement(sql=_KEEP_TENANT, values=values)


def delete_tenant(name: str) -> Dialogue[bool]:
    """Forget a tenant; whether it was there."""
    rows = yield Statement(sql=_DELETE_TENANT, values={"name": name})
    return bool(rows)


def keys() -> Dialogue[Sequence[ApiKey]]:
    """All keys, oldest first."""
    rows = yield Statement(sql=_KEYS)
    return [
        ApiKey(
            id=key_id,
            digest=digest,
            role=AccessRole(role),
            tenant=tenant,
            created_at=moment_of(created_at),
            label=label,
            agent=agent,
            expires_at=optional_moment(expires_at),
            revoked_at=optional_moment(revoked_at),
        )
        for key_id, digest, role, tenant, created_at, label, agent, expires_at, revoked_at in rows
    ]


def keep_key(key: ApiKey) -> Dialogue[None]:
    """Keep a key, replacing the one of its id."""
    values = {
        "id": key.id,
        "digest": key.digest,
        "role": key.role.value,
        "tenant": key.tenant,
        "created_at": microseconds(key.created_at),
        "label": key.label,
        "agent": key.agent,
        "expires_at": optional_microseconds(key.expires_at),
        "revoked_at": optional_microseconds(key.revoked_at),
    }
    yield Statement(sql=_KEEP_KEY, values=values)
