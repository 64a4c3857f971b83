"""Documents the metadata repository keeps: versions of policies, and reports."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version of a named policy, as YAML. `version` counts from 1 for each name; nothing is ever overwritten."""

    name: str
    version: int
    text: str
    author: str
    created_at: datetime


class ReportState(StrEnum):
    """How far a report is. One that was being made when its process ended is `failed`, and can be asked for again."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report: asked for, being made, or made. `tenant` None is one of the whole installation.

    `kind` names who makes it (see the hook `reports`). `body` is the finished document, from which every format is
    rendered; `media_type` says what it is. `since` is inclusive, `until` exclusive. `problem` says why it failed.
    """

    id: str
    tenant: str | None
    kind: str
    title: str
    created_at: datetime
    media_type: str
    body: bytes
    state: ReportState = ReportState.DONE
    since: datetime | None = None
    until: datetime | None = None
    problem: str | None = None
