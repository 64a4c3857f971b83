"""A compliance report as a document: what the framework asks, what was seen, and the evidence behind each sentence.

It is kept as JSON; every other format is rendered from it, so that an old report stays as it was made.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from midwatch_compliance.evidence.model import Evidence, Sample
from midwatch_compliance.frameworks.model import Framework
from midwatch_compliance.judging.judged import Judged, Status
from midwatch_compliance.judging.statements import Statement, statements_of


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckText(_Part):
    """What one check says, with its numbers, and ids of findings among the evidence's samples."""

    check: str
    status: Status
    sentence: str
    numbers: dict[str, float]
    findings: tuple[str, ...]


class StatementText(_Part):
    """One control, as the report has it."""

    id: str
    title: str
    source: str
    status: Status
    sees: str
    misses: str
    checks: tuple[CheckText, ...]


class FrameworkText(_Part):
    """The framework, without its controls."""

    id: str
    title: str
    edition: str
    source: str
    scope: str


class ComplianceReport(_Part):
    """The document. `counts` has how many controls have each status."""

    document: Literal["midwatch/compliance"] = "midwatch/compliance"
    version: Literal[1] = 1
    framework: FrameworkText
    counts: dict[Status, int]
    statements: tuple[StatementText, ...]
    evidence: Evidence

    def samples(self, check: CheckText) -> list[Sample]:
        """The findings that a check refers to."""
        return [sample for sample in self.evidence.findings.samples if sample.id in check.findings]


def compliance_report(framework: Framework, evidence: Evidence) -> ComplianceReport:
    """The report of a framework on this evidence."""
    statements = statements_of(framework, evidence)
    return ComplianceReport(
        framework=FrameworkText(
            id=framework.id,
            title=framework.title,
            edition=framework.edition,
            source=framework.source,
            scope=framework.scope,
        ),
        counts={status: sum(item.status is status for item in statements) for status in Status},
        statements=tuple(_statement(item) for item in statements),
        evidence=evidence,
    )


def _statement(item: Statement) -> StatementText:
    control = item.control
    return StatementText(
        id=control.id,
        title=control.title,
        source=control.source,
        status=item.status,
        sees=control.sees,
        misses=control.misses,
        checks=tuple(_check(name.value, judged) for name, judged in item.judged),
    )


def _check(name: str, judged: Judged) -> CheckText:
    return CheckText(
        check=name,
        status=judged.status,
        sentence=judged.sentence,
        numbers=dict(judged.numbers),
        findings=judged.findings,
    )
