"""The shipped policies: they load, and do what their names promise."""

from datetime import UTC, datetime
from importlib.resources import files

import pytest

from midwatch_core.model.finding import Action, Finding, Severity
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy import Policy, Subject

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CALLER = Subject(tenant="default")
REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE


def shipped(name: str) -> Policy:
    path = files("midwatch_rules") / "policies" / f"{name}.policy.yaml"
    return Policy.load(path.read_bytes(), path.name)


def outcome(name: str, category: str, severity: Severity, confidence: float, direction: Direction, part: Part) -> str:
    item = Finding(
        id="1",
        rule=f"pack/{category}",
        category=category,
        severity=severity,
        confidence=confidence,
        message="m",
        direction=direction,
        part=part,
    )
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
        ("shell", Severity.CRITICAL, 0.95, RESPONSE, Part.TOOL_CALL, ("flag", "cut", "cut")),
        ("shell", Severity.HIGH, 0.8, RESPONSE, Part.TOOL_CALL, ("flag", "flag", "cut")),
        ("cost", Severity.LOW, 0.5, REQUEST, Part.USER, ("flag", "flag", "flag")),
    ],
)
def test_what_each_does(
    category: str, severity: Severity, confidence: float, direction: Direction, part: Part, outcomes: tuple[str, ...]
) -> None:
    names = ("observe", "balanced", "strict")
    assert tuple(outcome(name, category, severity, confidence, direction, part) for name in names) == outcomes


def test_observe_holds_nothing_back_and_only_strict_fails_closed() -> None:
    for action in (Action.REDACT, Action.CUT, Action.BLOCK):
        assert not any(shipped("observe").may(action, CALLER, direction) for direction in Direction)
    closed = [
        name
        for name in ("observe", "balanced", "strict")
        if shipped(name).on_failure(CALLER, REQUEST).action is Action.BLOCK
    ]
    assert closed == ["strict"]
