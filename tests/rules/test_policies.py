"""The shipped policies: they load, and do what their names promise."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import pytest

from midwatch_core.model.finding import Action, Finding, Severity
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy import Policy, Subject
from midwatch_core.policy_file import read_policy
from midwatch_core.rulepack import Pack, load_pack

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CALLER = Subject(tenant="default")
TOOL_RUN = Subject(tenant="default", operation="execute_tool")
REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE


NAMES = ("observe", "balanced", "strict")
# What detectors in code report, rule by rule; the rules of packs are read from the packs.
IN_CODE = (
    ("secret", Severity.CRITICAL, 0.95, REQUEST, Part.USER),
    ("pii", Severity.MEDIUM, 0.95, REQUEST, Part.USER),
    ("unbounded_consumption", Severity.MEDIUM, 0.8, REQUEST, None),
    ("context_flooding", Severity.MEDIUM, 0.7, REQUEST, Part.USER),
    ("system_prompt_leak", Severity.HIGH, 0.85, RESPONSE, Part.ASSISTANT),
    ("tool_poisoning", Severity.MEDIUM, 0.6, REQUEST, Part.TOOL_DEFINITION),
)
ANSWERS = (Part.ASSISTANT, Part.TOOL_CALL)


def text(name: str) -> bytes:
    return (files("midwatch_rules") / "policies" / f"{name}.policy.yaml").read_bytes()


def shipped(name: str) -> Policy:
    return Policy.load(text(name), name)


@cache
def packs() -> list[Pack]:
    found = (item for item in (files("midwatch_rules") / "packs").iterdir() if item.name.endswith(".rules.yaml"))
    return [load_pack(item.read_bytes(), item.name, budget_s=None) for item in found]


def real_findings() -> Iterator[Finding]:
    """A finding of each rule of each pack in each place it looks at, and what detectors in code report."""
    for category, severity, confidence, direction, part in IN_CODE:
        yield finding(category, severity, confidence, direction, part)
    for rule in (rule for pack in packs() for rule in pack.rules):
        for part in rule.spec.where or tuple(Part):
            heard = (RESPONSE,) if part in ANSWERS else (REQUEST,)
            directions = (RESPONSE, REQUEST) if part is Part.TOOL_CALL else heard
            for direction in directions:  # a tool's arguments are an answer of a model, and a request to the tool
                yield finding(rule.spec.category, rule.spec.severity, rule.spec.confidence, direction, part)


def finding(category: str, severity: Severity, confidence: float, direction: Direction, part: Part | None) -> Finding:
    return Finding(
        id="1",
        rule=f"pack/{category}",
        category=category,
        severity=severity,
        confidence=confidence,
        message="m",
        direction=direction,
        part=part,
    )


def outcome(name: str, item: Finding) -> str:
    return shipped(name).decide([item], CALLER, NOW).verdict.action.name.lower()


@pytest.mark.parametrize("name", ["observe", "balanced", "strict"])
def test_each_is_called_what_its_file_is(name: str) -> None:
    assert shipped(name).id == name


@pytest.mark.parametrize(
    ("category", "severity", "confidence", "direction", "part", "outcomes"),
    [
        ("secret", Severity.CRITICAL, 0.95, REQUEST, Part.USER, ("flag", "redact", "redact")),
        ("secret", Severity.HIGH, 0.6, REQUEST, Part.USER, ("flag", "flag", "redact")),
        ("pii", Severity.MEDIUM, 0.9, REQUEST, Part.TOOL_RESULT, ("flag", "redact", "redact")),
        ("pii", Severity.MEDIUM, 0.9, RESPONSE, Part.ASSISTANT, ("flag", "flag", "redact")),
        ("prompt_injection", Severity.HIGH, 0.8, REQUEST, Part.USER, ("flag", "flag", "block")),
        ("prompt_injection", Severity.HIGH, 0.4, REQUEST, Part.USER, ("flag", "allow", "flag")),
        ("tool_abuse", Severity.CRITICAL, 0.85, RESPONSE, Part.TOOL_CALL, ("flag", "block", "block")),
        ("tool_abuse", Severity.HIGH, 0.8, RESPONSE, Part.TOOL_CALL, ("flag", "flag", "block")),
        ("tool_abuse", Severity.CRITICAL, 0.85, REQUEST, Part.USER, ("flag", "flag", "block")),
        ("tool_abuse", Severity.CRITICAL, 0.85, RESPONSE, Part.ASSISTANT, ("flag", "flag", "cut")),
        ("data_exfiltration", Severity.HIGH, 0.7, RESPONSE, Part.ASSISTANT, ("flag", "flag", "cut")),
        ("system_prompt_leak", Severity.HIGH, 0.85, RESPONSE, Part.ASSISTANT, ("flag", "flag", "cut")),
        ("system_prompt_leak", Severity.LOW, 0.4, RESPONSE, Part.ASSISTANT, ("flag", "flag", "flag")),
        ("unbounded_consumption", Severity.MEDIUM, 0.8, REQUEST, None, ("flag", "flag", "block")),
        ("unbounded_consumption", Severity.LOW, 0.8, REQUEST, None, ("flag", "flag", "flag")),
        ("context_flooding", Severity.MEDIUM, 0.7, REQUEST, Part.USER, ("flag", "flag", "block")),
        ("tool_poisoning", Severity.MEDIUM, 0.6, REQUEST, Part.TOOL_DEFINITION, ("flag", "flag", "flag")),
    ],
)
def test_what_each_does(
    category: str,
    severity: Severity,
    confidence: float,
    direction: Direction,
    part: Part | None,
    outcomes: tuple[str, ...],
) -> None:
    item = finding(category, severity, confidence, direction, part)
    assert tuple(outcome(name, item) for name in NAMES) == outcomes


def test_observe_holds_nothing_back_and_only_strict_fails_closed() -> None:
    for action in (Action.REDACT, Action.CUT, Action.BLOCK):
        assert not any(shipped("observe").may(action, CALLER, direction) for direction in Direction)
    closed = [
        name
        for name in ("observe", "balanced", "strict")
        if shipped(name).on_failure(CALLER, REQUEST).action is Action.BLOCK
    ]
    assert closed == ["strict"]


@pytest.mark.parametrize("name", NAMES)
def test_each_category_that_is_named_is_one_that_something_reports(name: str) -> None:
    reported = {item.category for item in real_findings()}
    named = {category for line in read_policy(text(name), name).lines for category in line.when.category}
    assert named <= reported


def test_each_line_is_taken_by_a_finding_that_a_detector_can_report() -> None:
    findings = list(real_findings())
    for name in NAMES:
        policy = shipped(name)
        weak = [finding("prompt_injection", Severity.MEDIUM, 0.4, REQUEST, Part.USER)]
        decisions = [policy.decide([*findings, *weak], subject, NOW) for subject in (CALLER, TOOL_RUN)]
        taken = {ruling.line for decision in decisions for ruling in (*decision.rulings, *decision.dry_run)}
        assert {line.id for line in policy.lines} == taken, name


def test_every_action_is_taken_somewhere() -> None:
    findings = list(real_findings())
    actions = {ruling.action for name in NAMES for ruling in shipped(name).decide(findings, CALLER, NOW).rulings}
    weak = finding("prompt_injection", Severity.MEDIUM, 0.4, REQUEST, Part.USER)
    actions.add(shipped("balanced").decide([weak], CALLER, NOW).verdict.action)
    assert actions == set(Action)


def test_tools_that_agents_run_get_what_they_need_but_no_dangerous_command() -> None:
    balanced = shipped("balanced")
    address = finding("pii", Severity.MEDIUM, 0.95, REQUEST, Part.TOOL_CALL)
    command = finding("tool_abuse", Severity.CRITICAL, 0.85, REQUEST, Part.TOOL_CALL)
    assert balanced.decide([address], TOOL_RUN, NOW).verdict.action is Action.FLAG
    assert balanced.decide([address], CALLER, NOW).verdict.action is Action.REDACT
    for name in ("balanced", "strict"):
        assert shipped(name).decide([command], TOOL_RUN, NOW).verdict.policy_line == "dangerous-tool-runs"


def test_balanced_holds_tool_calls_back_and_no_texts() -> None:
    balanced = shipped("balanced")
    assert balanced.may(Action.BLOCK, CALLER, RESPONSE, Part.TOOL_CALL)
    for action in (Action.REDACT, Action.CUT, Action.BLOCK):
        assert not balanced.may(action, CALLER, RESPONSE, Part.ASSISTANT)
    assert not balanced.may(Action.BLOCK, CALLER, REQUEST)
