"""Findings of detectors and the verdicts of policy."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from midwatch_core.model.segment import Direction, Part


class Severity(StrEnum):
    """How bad a finding is; compare by `rank`, never as text."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return list(Severity).index(self)


class Action(IntEnum):
    """What policy does to a call, from weakest to strongest."""

    ALLOW = 0
    FLAG = 1
    REDACT = 2
    CUT = 3
    BLOCK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a detector saw. `start` and `end` are code points in the segment's text.

    `plugin` is stamped by the engine, never by the plugin. `evidence` is masked. `kind` is what the value is called in
    its placeholder, empty where there is nothing to mask. In what is stored, a span is that of the masked text.
    """

    id: str
    rule: str
    category: str
    severity: Severity
    confidence: float
    message: str
    owasp: tuple[str, ...] = ()
    direction: Direction = Direction.REQUEST
    part: Part | None = None
    path: str | None = None
    start: int | None = None
    end: int | None = None
    evidence: str | None = None
    plugin: str = ""
    kind: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two findings of a call the same, whoever made them: rule and place."""
        return self.rule, self.direction, self.path, self.start, self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided on a call, on which findings, by which line of policy.

    `reason` says what else was decided on: a detector that failed, a redaction that could not be made. A `dry_run`
    verdict was only noted.
    """

    action: Action
    findings: tuple[str, ...] = ()
    policy_line: str | None = None
    policy: str | None = None
    reason: str | None = None
    dry_run: bool = False
