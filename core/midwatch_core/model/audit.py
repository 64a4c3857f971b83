"""The audit record: who did what to what; and its entry in the log, which is chained so that a change shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One entry of the log that is only ever added to. `actor` is a person, a key or a part of Midwatch.

    `tenant` is whom it concerns; None is the installation.
    """

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, str] = field(default_factory=dict)
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A record in its place: `number` counts from 1 without gaps, `digest` is over the record and `previous`.

    `previous` is the digest of the entry before, empty for the first (see `audit_chain`).
    """

    number: int
    record: AuditRecord
    previous: str
    digest: str
