"""Looking through the audit log: a filter, and so many entries at most for one answer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from midwatch_core import Administration, AuditEntry, Caller

# Entries are read so many at a time, and so often for one answer: a page may end early, and its cursor goes on.
_AT_A_TIME = 500
_LOOKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries: None asks nothing. An `action` that ends in `.` is all that begin so (`key.`)."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    tenant: str | None = None

    def takes(self, entry: AuditEntry) -> bool:
        """Whether an entry is wanted; the tenant is asked of the store."""
        record = entry.record
        return (
            self.actor in (None, record.actor)
            and self.subject in (None, record.subject)
            and (self.action is None or _is_named(record.action, self.action))
        )

    @property
    def looks_through(self) -> bool:
        """Whether entries are looked through for what the store can't be asked."""
        return replace(self, tenant=None) != AuditFilter()

    def chosen(self) -> dict[str, str]:
        """What was chosen, by name."""
        return {name: value for name, value in asdict(self).items() if value}

    def narrowed(self, caller: Caller) -> Caller:
        """The caller within the tenant that was chosen: never wider than before."""
        return replace(caller, tenant=self.tenant) if self.tenant and caller.tenant is None else caller

    def empty_for(self, caller: Caller) -> bool:
        """Whether another tenant than the caller's own was chosen."""
        return caller.tenant is not None and self.tenant not in (None, caller.tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, newest first, and the number that the next page is before; None on the last."""

    entries: Sequence[AuditEntry]
    cursor: int | None


async def read_entries(
    administration: Administration, caller: Caller, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> AuditPage:
    """A page of what is wanted, in the caller's scope. Raises AccessDeniedError and StorageError."""
    if wanted.empty_for(caller):
        return AuditPage(entries=(), cursor=None)
    caller, found = wanted.narrowed(caller), list[AuditEntry]()
    for _ in range(_LOOKS):
        size = _AT_A_TIME if wanted.looks_through else limit - len(found)
        read = await administration.audit(caller, limit=size, before=before)
        for entry in read:
            before = entry.number
            if wanted.takes(entry):
                found.append(entry)
            if len(found) == limit:
                return AuditPage(entries=found, cursor=before)
        if len(read) < size:
            return AuditPage(entries=found, cursor=None)
    return AuditPage(entries=found, cursor=before)


def _is_named(action: str, wanted: str) -> bool:
    return action.startswith(wanted) if wanted.endswith(".") else action == wanted
