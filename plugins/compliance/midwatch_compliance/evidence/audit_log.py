"""Evidence of the audit log: whether it holds, and what was done in the period."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

from midwatch_compliance.evidence.model import AuditLog
from midwatch_core import LOCAL, Administration

# Entries that are looked at, newest first.
MAX_LOOKED_AT = 10_000
_PAGE = 500


async def audit_log_of(
    administration: Administration, tenant: str | None, since: datetime, until: datetime
) -> AuditLog:
    """The log as it stands and its actions in scope. Raises StorageError.

    The whole log is verified either way, for the entries of a tenant are links of the one chain; how many all have is
    told in a report of the installation alone.
    """
    verified = await administration.verify_audit(LOCAL)
    actions, looked_at, cut = await _actions(administration, tenant, since, until)
    return AuditLog(
        verified=verified.fault is None,
        entries=verified.entries if tenant is None else None,
        fault=None if verified.fault is None else f"entry {verified.fault.number}: {verified.fault.reason}",
        anchored=verified.anchored is not None,
        actions=dict(actions),
        looked_at=looked_at,
        cut=cut,
    )


async def _actions(
    administration: Administration, tenant: str | None, since: datetime, until: datetime
) -> tuple[Counter[str], int, bool]:
    caller, actions, looked_at = replace(LOCAL, tenant=tenant), Counter[str](), 0
    before: int | None = None
    while looked_at < MAX_LOOKED_AT:
        page = await administration.audit(caller, limit=_PAGE, before=before)
        looked_at += len(page)
        actions.update(entry.record.action for entry in page if since <= entry.record.at < until)
        if len(page) < _PAGE:
            return actions, looked_at, False
        before = page[-1].number
    return actions, looked_at, True
