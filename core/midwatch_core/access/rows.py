"""Keys, tenants and audit entries as JSON values, the same for every face. Names are stable: add, never rename."""

from datetime import datetime

from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.audit import AuditEntry
from midwatch_core.model.content import Json
from midwatch_core.model.tenant import Tenant


def key_row(key: ApiKey, at: datetime) -> dict[str, Json]:
    """A key as people may see it: never its digest. `state` is as of `at`."""
    state = "revoked" if key.revoked_at is not None else "valid" if key.valid_at(at) else "expired"
    return {
        "id": key.id,
        "tenant": key.tenant,
        "role": key.role.value,
        "state": state,
        "label": key.label,
        "agent": key.agent,
        "created_at": key.created_at.isoformat(),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
    }


def tenant_row(tenant: Tenant) -> dict[str, Json]:
    """A tenant; one of the configuration has no beginning."""
    return {
        "name": tenant.name,
        "title": tenant.title,
        "networks": list(tenant.networks),
        "provider_keys": list(tenant.provider_keys),
        "certificates": list(tenant.certificates),
        "retention_days": tenant.retention_days,
        "configured": tenant.configured,
        "created_at": None if tenant.configured else tenant.created_at.isoformat(),
    }


def audit_row(entry: AuditEntry) -> dict[str, Json]:
    """An entry of the audit log."""
    record = entry.record
    return {
        "number": entry.number,
        "at": record.at.isoformat(),
        "actor": record.actor,
        "action": record.action,
        "subject": record.subject,
        "tenant": record.tenant,
        "details": dict(record.details),
        "digest": entry.digest,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
