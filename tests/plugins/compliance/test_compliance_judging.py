"""Judging: what is said of a control follows from the numbers, and what can't be told is not claimed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from midwatch_compliance.evidence.collecting import collect
from midwatch_compliance.evidence.model import (
    AuditLog,
    Counted,
    Evidence,
    Findings,
    Group,
    Health,
    Hosts,
    Keeping,
    Keys,
    Limits,
    PolicyLineage,
    Traffic,
)
from midwatch_compliance.frameworks.loading import shipped
from midwatch_compliance.frameworks.model import Check, CheckName
from midwatch_compliance.judging.judged import Status, evidenced, status_of, unknown
from midwatch_compliance.judging.statements import CHECKS, statements_of
from tests.plugins.compliance.conftest import Planted, order

AT = datetime(2026, 11, 1, tzinfo=UTC)
GOOD, LOOK, BLIND = Status.EVIDENCED, Status.ATTENTION, Status.NOT_COVERED


def evidence(calls: int = 10, **changes: Any) -> Evidence:
    sums = Group(name=None, calls=calls, input_tokens=0, output_tokens=0, cost_usd=0, api_equivalent_usd=0, unpriced=0)
    plain = Evidence(
        midwatch="0",
        collected_at=AT,
        tenant=None,
        since=AT,
        until=AT,
        traffic=Traffic(totals=sums, errors=0, refused=0, flagged=0),
        findings=Findings(total=0),
        keeping=Keeping(retention_days=30, texts_encrypted=False),
    )
    return plain.model_copy(update=changes)


def found(severity: str, action: str) -> Findings:
    row = Counted(name="pii", severity=severity, action=action, findings=3)
    owasp = row.model_copy(update={"name": "LLM02:2025"})
    state = row.model_copy(update={"name": "open"})
    return Findings(total=3, by_category=(row,), by_owasp=(owasp,), by_state=(state,), looked_at=3)


def hosts(**changes: int) -> Hosts:
    return Hosts(**{"services": 4, "read": 4, "unread": 0, "refused": 0, "shadow": 0, **changes})


def health(**changes: Any) -> Health:
    nothing = {"calls_dropped": 0, "texts_dropped": 0, "dead_letters": 0, "inspection_failures": 0, "unguarded": 0}
    return Health(**{**nothing, **changes})


def keys(**changes: Any) -> Keys:
    return Keys(**{"valid": 2, "never_expire": 0, "console_asks": True, "calls_need_key": True, **changes})


CASES = [
    ("calls_recorded", {}, {}, GOOD),
    ("calls_recorded", {"calls": 0}, {}, BLIND),
    ("findings", {}, {"categories": ("pii",)}, GOOD),
    ("findings", {"calls": 0}, {"categories": ("pii",)}, BLIND),
    ("findings", {"findings": found("high", "flag")}, {"categories": ("pii",)}, LOOK),
    ("findings", {"findings": found("high", "redact")}, {"categories": ("pii",)}, GOOD),
    ("findings", {"findings": found("medium", "flag")}, {"categories": ("pii",)}, GOOD),
    ("findings", {"findings": found("critical", "allow")}, {"owasp": "LLM02:2025"}, LOOK),
    ("findings", {"findings": found("critical", "block")}, {"owasp": "LLM02:2025"}, GOOD),
    ("triage", {"findings": found("high", "block")}, {}, LOOK),
    ("triage", {"findings": found("low", "flag")}, {}, GOOD),
    ("policy_acts", {}, {}, BLIND),
    ("policy_acts", {"policy": PolicyLineage(id="observe")}, {}, LOOK),
    ("policy_acts", {"policy": PolicyLineage(id="strict")}, {}, GOOD),
    ("policy_versioned", {"policy": PolicyLineage(id="strict")}, {}, BLIND),
    ("policy_versioned", {"policy": PolicyLineage(id="strict", versions=0)}, {}, LOOK),
    ("policy_versioned", {"policy": PolicyLineage(id="strict", versions=2, changed_at=AT)}, {}, GOOD),
    ("shadow_ai", {}, {}, BLIND),
    ("shadow_ai", {"hosts": hosts(services=0)}, {}, BLIND),
    ("shadow_ai", {"hosts": hosts(shadow=1)}, {}, LOOK),
    ("shadow_ai", {"hosts": hosts()}, {}, GOOD),
    ("unread", {"hosts": hosts(unread=1)}, {}, LOOK),
    ("unread", {"hosts": hosts()}, {}, GOOD),
    ("retention", {}, {"at_most_days": 90}, GOOD),
    ("retention", {}, {"at_most_days": 7}, LOOK),
    ("retention", {}, {"at_least_days": 184}, LOOK),
    ("retention", {}, {"at_least_days": 7}, GOOD),
    ("retention", {"keeping": Keeping(retention_days=None, texts_encrypted=True)}, {"at_most_days": 7}, LOOK),
    ("retention", {"keeping": Keeping(retention_days=None, texts_encrypted=True)}, {"at_least_days": 7}, GOOD),
    ("encrypted", {}, {}, LOOK),
    ("encrypted", {"keeping": Keeping(retention_days=None, texts_encrypted=True)}, {}, GOOD),
    ("audit_whole", {}, {}, BLIND),
    ("audit_whole", {"audit": AuditLog(verified=True, entries=3)}, {}, GOOD),
    ("audit_whole", {"audit": AuditLog(verified=False, fault="entry 2: changed")}, {}, LOOK),
    ("audit_actions", {"audit": AuditLog(verified=True, actions={"forget": 2})}, {"actions": ("forget",)}, GOOD),
    ("audit_actions", {"audit": AuditLog(verified=False)}, {"actions": ("forget",)}, BLIND),
    ("keys", {"keys": keys()}, {}, GOOD),
    ("keys", {"keys": keys(calls_need_key=False)}, {}, LOOK),
    ("keys", {"keys": keys(console_asks=None)}, {}, BLIND),
    ("keys_expire", {"keys": keys()}, {}, GOOD),
    ("keys_expire", {"keys": keys(never_expire=1)}, {}, LOOK),
    ("keys_expire", {"keys": keys(valid=0)}, {}, BLIND),
    ("limits", {}, {}, BLIND),
    ("limits", {"limits": Limits(limits=0, budgets=0)}, {}, LOOK),
    ("limits", {"limits": Limits(limits=1, budgets=0)}, {}, GOOD),
    ("nothing_lost", {}, {}, BLIND),
    ("nothing_lost", {"health": health(texts_dropped=1)}, {}, LOOK),
    ("nothing_lost", {"health": health()}, {}, GOOD),
    ("detectors_work", {"health": health(failing_plugins=("pii",))}, {}, LOOK),
    ("detectors_work", {"health": health()}, {}, GOOD),
]


@pytest.mark.parametrize(("name", "facts", "values", "status"), CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])
def test_a_check_says_what_the_facts_allow(
    name: str, facts: dict[str, Any], values: dict[str, Any], status: Status
) -> None:
    judged = CHECKS[CheckName(name)](evidence(**facts), Check(check=CheckName(name), **values))
    assert judged.status is status
    assert judged.sentence.endswith(".")


def test_every_check_has_a_case_of_each_kind_it_can_say() -> None:
    assert {case[0] for case in CASES} == {name.value for name in CheckName}


def test_what_needs_attention_counts_most_and_what_nobody_can_tell_proves_nothing() -> None:
    good, blind = evidenced("Yes."), unknown("Nobody knows.")
    assert status_of([good, blind]) is Status.EVIDENCED
    assert status_of([blind]) is Status.NOT_COVERED
    assert status_of([]) is Status.NOT_COVERED


async def test_statements_of_planted_calls_have_their_numbers_and_references(planted: Planted) -> None:
    said = {
        item.control.id: item
        for item in statements_of(shipped()["owasp-llm-2025"], await collect(planted.host, order()))
    }
    injection = dict(said["LLM01:2025"].judged)[CheckName.FINDINGS]
    assert said["LLM01:2025"].status is Status.ATTENTION
    assert injection.numbers == {"findings": 2, "stopped": 1, "redacted": 0, "serious_only_recorded": 1}
    assert set(injection.findings) == {"f-1", "f-4"}
    assert said["LLM06:2025"].status is Status.EVIDENCED
    assert said["LLM09:2025"].status is Status.NOT_COVERED
    assert said["LLM02:2025"].status is Status.ATTENTION, "a service was passed through unread"


async def test_an_installation_without_calls_evidences_no_finding(planted: Planted) -> None:
    said = statements_of(shipped()["owasp-llm-2025"], await collect(planted.host, order("nobody")))
    for statement in said:
        for name, judged in statement.judged:
            if name is CheckName.FINDINGS:
                assert judged.status is Status.NOT_COVERED
