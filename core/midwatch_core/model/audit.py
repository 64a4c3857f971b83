"""The audit record: who did what to what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One entry of the log that is only ever added to. `actor` is a person, a key or a part of Midwatch."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, str] = field(default_factory=dict)
