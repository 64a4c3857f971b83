"""The audit log: how entries are chained, written and read."""

from collections.abc import Sequence
from typing import Any

import orjson

from midwatch_core import AuditEntry, AuditRecord, Scope, chained, microseconds, moment_of
from midwatch_sql.columns import AUDIT_ENTRIES
from midwatch_sql.dialogue import Dialogue, Statement, chosen, insert
from midwatch_sql.metadata_scope import check_limit, within

_LAST = f"{chosen('audit_entries', AUDIT_ENTRIES)} ORDER BY number DESC LIMIT 1"
_APPEND = insert("audit_entries", AUDIT_ENTRIES)


def append_audit(record: AuditRecord) -> Dialogue[AuditEntry]:
    """Add an entry after the last one: nobody else may write until this transaction is over."""
    rows = yield Statement(sql=_LAST)
    entry = chained(record, _entry(rows[0]) if rows else None)
    values = {
        "number": entry.number,
        "at": microseconds(record.at),
        "actor": record.actor,
        "action": record.action,
        "subject": record.subject,
        "details": orjson.dumps(dict(record.details)).decode(),
        "tenant": record.tenant,
        "previous": entry.previous,
        "digest": entry.digest,
    }
    yield Statement(sql=_APPEND, values=values)
    return entry


def audit(scope: Scope, limit: int, before: int | None) -> Dialogue[Sequence[AuditEntry]]:
    """Entries in scope numbered below `before`, newest first."""
    check_limit(limit, "entries")
    condition, values = within(scope)
    if before is not None:
        condition, values = f"{condition} AND number < :before", {**values, "before": before}
    sql = f"{chosen('audit_entries', AUDIT_ENTRIES)} WHERE {condition} ORDER BY number DESC LIMIT :limit"
    rows = yield Statement(sql=sql, values={"limit": limit, **values})
    return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> AuditEntry:
    number, at, actor, action, subject, details, tenant, previous, digest = row
    record = AuditRecord(
        at=moment_of(at), actor=actor, action=action, subject=subject, details=orjson.loads(details), tenant=tenant
    )
    return AuditEntry(number=number, record=record, previous=previous, digest=digest)
