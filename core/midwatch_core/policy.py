"""Policy: findings in, a decision out. Detectors report and never act; this alone says what is done."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import translate
from typing import Self

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy_file import PolicyError, PolicyFile, PolicyLine, When, read_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose call is decided on: what lines may ask about besides the finding itself."""

    tenant: str
    agent: str | None = None
    provider: str | None = None
    model: str | None = None
    operation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is done about one finding, by which line; `excepted` is the reason of the exception that let it through."""

    finding: Finding
    action: Action
    line: str | None = None
    excepted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done about an exchange: the strongest of its rulings. `dry_run`: what lines on trial would have done."""

    verdict: Verdict
    rulings: tuple[Ruling, ...] = ()
    dry_run: tuple[Ruling, ...] = ()

    def of(self, action: Action) -> tuple[Finding, ...]:
        """The findings that `action` was ruled for, such as those to redact."""
        return tuple(ruling.finding for ruling in self.rulings if ruling.action is action)

    @property
    def recorded(self) -> tuple[Finding, ...]:
        """The findings that stand in the record: all but those that a line (or none) let pass."""
        tried = {ruling.finding.id for ruling in self.dry_run if ruling.action is not Action.ALLOW}
        return tuple(
            ruling.finding for ruling in self.rulings if ruling.action is not Action.ALLOW or ruling.finding.id in tried
        )

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was decided, as it stands in the record: the verdict, and what lines on trial would have done."""
        found = [self.verdict] if self.verdict.action is not Action.ALLOW else []
        trial = _strongest(self.dry_run, self.verdict.policy)
        if trial.action is not Action.ALLOW:
            found.append(replace(trial, dry_run=True))
        return tuple(found)

    @property
    def late_verdicts(self) -> tuple[Verdict, ...]:
        """The same, decided after the fact: more than a flag is what would have been done, and the reason says so."""
        return tuple(
            replace(item, action=Action.FLAG, reason=f"{item.action.name.lower()}: seen too late")
            if item.action > Action.FLAG and not item.dry_run
            else item
            for item in self.verdicts
        )


def subject_of(exchange: Exchange) -> Subject:
    """Whose call it is, as policy asks."""
    return Subject(
        tenant=exchange.identity.tenant,
        agent=exchange.identity.agent,
        provider=exchange.endpoint.provider,
        model=exchange.model,
        operation=exchange.request.operation.value,
    )


class Policy:
    """An ordered list of lines: each finding takes the first that matches, none is `allow`.

    `text` is the policy as it is written, where it was read from that.
    """

    def __init__(self, file: PolicyFile, name: str = "", *, text: str = "") -> None:
        self.id = file.policy.id
        self.name = name or file.policy.id
        self.text = text
        self.lines = tuple(_Line(line) for line in file.lines)
        self.may_act = any(line.acts for line in self.lines)

    @classmethod
    def load(cls, data: bytes, name: str) -> Self:
        """A policy from YAML. Raises PolicyError: one line naming the file (`name`), line id and key."""
        return cls(read_policy(data, name), name, text=data.decode("utf-8", "replace"))

    def decide(self, findings: Sequence[Finding], subject: Subject, at: datetime) -> Decision:
        """What is done about `findings` of a call, `at` a moment (aware of its zone) for exceptions that expire."""
        trials: list[Ruling] = []
        rulings = tuple(self._rule(finding, subject, at, trials) for finding in findings)
        return Decision(verdict=_strongest(rulings, self.id), rulings=rulings, dry_run=tuple(trials))

    def on_failure(
        self,
        subject: Subject,
        direction: Direction,
        *,
        part: Part | None = None,
        categories: Collection[str] = (),
        models: bool = False,
    ) -> Verdict:
        """What is done when a detector failed or was late: block where a line it could have fed says so, else allow.

        `part` is the text it was to inspect and `categories` are what it looks for; unknown is any. Of `models` that
        failed or were late only `inline` lines complain: the others never wait for what models say.
        """
        for line in self.lines:
            if models and not line.inline_s:
                continue
            if line.fails_closed and line.concerns(subject, direction, part, categories):
                return Verdict(action=Action.BLOCK, policy_line=line.id, policy=self.id)
        return Verdict(action=Action.ALLOW)

    def fails_closed(self, line_id: str | None) -> bool:
        """Whether what the line asks for must be done or the call refused."""
        return any(line.id == line_id and line.fails_closed for line in self.lines)

    def acts(self, subject: Subject, direction: Direction) -> bool:
        """Whether any line could do more here than put on record: without one, nothing need be waited for."""
        return any(line.acts and line.concerns(subject, direction, None, ()) for line in self.lines)

    def patience_s(self, subject: Subject, direction: Direction, part: Part | None = None) -> float:
        """Seconds that a call waits here for what models say: the longest of its `inline` lines, 0 without one.

        `part` is the text that they are asked about; unknown is any.
        """
        waiting = (line for line in self.lines if line.acts and line.inline_s)
        return max((line.inline_s for line in waiting if line.concerns(subject, direction, part, ())), default=0.0)

    def may(self, action: Action, subject: Subject, direction: Direction, part: Part | None = None) -> bool:
        """Whether any line (not on trial) could rule `action` here: without one, nothing need be held back."""
        return any(
            line.action is action and not line.dry_run and line.concerns(subject, direction, part, ())
            for line in self.lines
        )

    def explain(self, findings: Sequence[Finding], subject: Subject, at: datetime) -> list[str]:
        """Why, in lines of text: each finding, each line passed over and why, the line it took, the outcome."""
        told: list[str] = []
        for finding in findings:
            told.append(
                f"{finding.rule} ({finding.category}, {finding.severity}, {finding.confidence:.2f}, "
                f"{finding.direction}{f', {finding.part}' if finding.part else ''})"
            )
            told += self._told(finding, subject, at)
        told.append(f"{self.name}: {self.decide(findings, subject, at).verdict.action.name.lower()}")
        return told

    def _rule(self, finding: Finding, subject: Subject, at: datetime, trials: list[Ruling]) -> Ruling:
        for line in self.lines:
            if line.differs(finding, subject) is not None:
                continue
            ruling = line.ruling(finding, subject, at)
            if not line.dry_run:
                return ruling
            trials.append(ruling)
        return Ruling(finding=finding, action=Action.ALLOW)

    def _told(self, finding: Finding, subject: Subject, at: datetime) -> list[str]:
        told: list[str] = []
        for line in self.lines:
            difference = line.differs(finding, subject)
            if difference is not None:
                told.append(f"  {line.id}: no, {difference} differs")
                continue
            ruling = line.ruling(finding, subject, at)
            why = f" (exception: {ruling.excepted})" if ruling.excepted else ""
            told.append(f"  {line.id}: {'would ' if line.dry_run else ''}{ruling.action.name.lower()}{why}")
            if not line.dry_run:
                return told
        return [*told, "  no line: allow"]


class _Line:
    """A line made ready: globs compiled once."""

    def __init__(self, line: PolicyLine) -> None:
        self.id = line.id
        self.action = line.action
        self.dry_run = line.dry_run
        self.fails_closed = line.on_failure == "block" and not line.dry_run
        self.acts = (line.action > Action.FLAG and not line.dry_run) or self.fails_closed
        self.inline_s = line.deadline_ms / 1000 if line.models == "inline" else 0.0
        self._when = _Condition(line.when)
        self._exceptions = [(_Condition(item.when), item) for item in line.exceptions]

    def differs(self, finding: Finding, subject: Subject) -> str | None:
        return self._when.differs(finding, subject)

    def concerns(self, subject: Subject, direction: Direction, part: Part | None, categories: Collection[str]) -> bool:
        return self._when.concerns(subject, direction, part, categories)

    def ruling(self, finding: Finding, subject: Subject, at: datetime) -> Ruling:
        today = at.astimezone(UTC).date()
        for condition, item in self._exceptions:
            if today <= item.expires and condition.differs(finding, subject) is None:
                return Ruling(finding=finding, action=Action.ALLOW, line=self.id, excepted=item.reason)
        return Ruling(finding=finding, action=self.action, line=self.id)


class _Condition:
    """A `when` made ready."""

    def __init__(self, when: When) -> None:
        self._when = when
        self._subject = [
            (key, globs)
            for key in ("tenant", "agent", "provider", "model", "operation")
            if (globs := _globs(getattr(when, key)))
        ]
        self._category = _globs(when.category)
        self._rule = _globs(when.rule)
        self._severity = when.severity_at_least.rank

    def differs(self, finding: Finding, subject: Subject) -> str | None:
        """The first key that does not hold, or None."""
        when = self._when
        if when.direction is not None and finding.direction is not when.direction:
            return "direction"
        if when.part and finding.part not in when.part:
            return "part"
        if finding.severity.rank < self._severity:
            return "severity"
        if finding.confidence < when.confidence_at_least:
            return "confidence"
        if self._category is not None and not self._category.match(finding.category):
            return "category"
        if self._rule is not None and not self._rule.match(finding.rule):
            return "rule"
        return self._other_subject(subject)

    def concerns(self, subject: Subject, direction: Direction, part: Part | None, categories: Collection[str]) -> bool:
        """Whether a finding there could meet this, whatever its rule, severity and confidence."""
        when = self._when
        if when.direction is not None and direction is not when.direction:
            return False
        if when.part and part is not None and part not in when.part:
            return False
        if self._category is not None and categories and not any(map(self._category.match, categories)):
            return False
        return self._other_subject(subject) is None

    def _other_subject(self, subject: Subject) -> str | None:
        return next((key for key, globs in self._subject if not globs.match(getattr(subject, key) or "")), None)


def _globs(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for several globs; None where none is asked for."""
    return re.compile("|".join(translate(name) for name in names)) if names else None


def _strongest(rulings: Sequence[Ruling], policy: str | None) -> Verdict:
    action = max((ruling.action for ruling in rulings), default=Action.ALLOW)
    behind = [ruling for ruling in rulings if ruling.action is action]
    if action is Action.ALLOW:
        return Verdict(action=action, policy=policy)
    found = tuple(item.finding.id for item in behind)
    return Verdict(action=action, findings=found, policy_line=behind[0].line, policy=policy)


__all__ = ["Decision", "Policy", "PolicyError", "Ruling", "Subject", "subject_of"]
