"""Statements: every control of a framework, held against the evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from midwatch_compliance.evidence.model import Evidence
from midwatch_compliance.frameworks.model import Check, CheckName, Control, Framework
from midwatch_compliance.judging import about_control, about_data, about_findings
from midwatch_compliance.judging.judged import Judged, Status, status_of

CHECKS: Mapping[CheckName, Callable[[Evidence, Check], Judged]] = {
    CheckName.CALLS_RECORDED: about_data.calls_recorded,
    CheckName.FINDINGS: about_findings.findings,
    CheckName.TRIAGE: about_findings.triage,
    CheckName.POLICY_ACTS: about_control.policy_acts,
    CheckName.POLICY_VERSIONED: about_control.policy_versioned,
    CheckName.SHADOW_AI: about_data.shadow_ai,
    CheckName.UNREAD: about_data.unread,
    CheckName.RETENTION: about_data.retention,
    CheckName.ENCRYPTED: about_data.encrypted,
    CheckName.AUDIT_WHOLE: about_control.audit_whole,
    CheckName.AUDIT_ACTIONS: about_control.audit_actions,
    CheckName.KEYS: about_control.keys,
    CheckName.KEYS_EXPIRE: about_control.keys_expire,
    CheckName.LIMITS: about_control.limits,
    CheckName.NOTHING_LOST: about_data.nothing_lost,
    CheckName.DETECTORS_WORK: about_control.detectors_work,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A control with what its checks say; without checks it is not covered."""

    control: Control
    status: Status
    judged: tuple[tuple[CheckName, Judged], ...]


def statements_of(framework: Framework, evidence: Evidence) -> list[Statement]:
    """One statement a control, in the framework's order."""
    return [_statement(control, evidence) for control in framework.controls]


def _statement(control: Control, evidence: Evidence) -> Statement:
    judged = tuple((check.check, CHECKS[check.check](evidence, check)) for check in control.checks)
    return Statement(control=control, status=status_of(item for _, item in judged), judged=judged)
