"""Documents the metadata repository keeps: versions of policies, and reports."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version of a named policy, as YAML. `version` counts from 1 for each name; nothing is ever overwritten."""

    name: str
    version: int
    text: str
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was made. `body` is the finished document, `media_type` says what it is."""

    id: str
    tenant: str | None
    kind: str
    title: str
    created_at: datetime
    media_type: str
    body: bytes
