"""Policy: the first line that matches, the strongest action, trials apart, exceptions until their day, clear errors."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.finding import Action, Finding, Severity
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy import Decision, Policy, PolicyError, Subject

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACME = Subject(tenant="acme-eu", agent="claude-code", provider="openai", model="gpt-5")
HEAD = "policy: {id: test}\nlines:\n"


def finding(
    number: str = "1",
    *,
    rule: str = "pii/email",
    category: str = "pii",
    severity: Severity = Severity.HIGH,
    confidence: float = 0.9,
    direction: Direction = Direction.REQUEST,
    part: Part | None = Part.USER,
) -> Finding:
    return Finding(
        id=number,
        rule=rule,
        category=category,
        severity=severity,
        confidence=confidence,
        message="m",
        direction=direction,
        part=part,
    )


def policy(lines: str) -> Policy:
    return Policy.load((HEAD + lines).encode(), "test.policy.yaml")


def decide(lines: str, *findings: Finding, subject: Subject = ACME, at: datetime = NOW) -> Decision:
    return policy(lines).decide(findings, subject, at)


def test_each_finding_takes_its_first_line_and_the_exchange_the_strongest() -> None:
    decision = decide(
        "- {id: a, when: {category: pii}, then: redact}\n"
        "- {id: b, when: {category: pii}, then: block}\n"
        "- {id: c, then: flag}",
        finding("1"),
        finding("2", category="secret"),
        finding("3"),
    )
    assert [(item.line, item.action) for item in decision.rulings] == [
        ("a", Action.REDACT),
        ("c", Action.FLAG),
        ("a", Action.REDACT),
    ]
    assert decision.verdict.action is Action.REDACT
    assert decision.verdict.findings == ("1", "3")
    assert decision.verdict.policy_line == "a"
    assert [item.id for item in decision.of(Action.FLAG)] == ["2"]


def test_no_line_and_no_finding_are_allow() -> None:
    assert decide("- {id: a, when: {category: x}, then: block}", finding()).verdict.action is Action.ALLOW
    assert decide("- {id: a, then: block}").verdict.action is Action.ALLOW
    assert decide("  []", finding()).verdict.policy_line is None


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("tenant: acme*", True),
        ("tenant: [other, 'acme-??']", True),
        ("tenant: acme", False),
        ("agent: '*'", True),
        ("agent: codex", False),
        ("provider: openai", True),
        ("model: 'gpt-[45]'", True),
        ("model: o*", False),
        ("direction: request", True),
        ("direction: response", False),
        ("part: user", True),
        ("part: [tool_call, system]", False),
        ("category: [secret, p*]", True),
        ("rule: pii/*", True),
        ("rule: pii", False),
        ("severity_at_least: high", True),
        ("severity_at_least: critical", False),
        ("confidence_at_least: 0.9", True),
        ("confidence_at_least: 0.91", False),
        ("tenant: acme*, category: secret", False),
    ],
)
def test_all_that_is_asked_must_hold(when: str, holds: bool) -> None:
    decision = decide(f"- {{id: a, when: {{{when}}}, then: block}}", finding())
    assert (decision.verdict.action is Action.BLOCK) is holds


def test_what_is_unknown_matches_the_wide_glob_alone() -> None:
    nobody = Subject(tenant="t")
    assert decide("- {id: a, when: {agent: '*'}, then: flag}", finding(), subject=nobody).verdict.policy_line == "a"
    assert decide("- {id: a, when: {agent: 'c*'}, then: flag}", finding(), subject=nobody).verdict.policy_line is None
    assert decide("- {id: a, when: {part: user}, then: flag}", finding(part=None)).verdict.policy_line is None


def test_a_line_on_trial_is_told_apart_and_changes_nothing() -> None:
    decision = decide("- {id: a, then: block, dry_run: true}\n- {id: b, then: flag}", finding())
    assert decision.verdict.policy_line == "b"
    assert [(item.line, item.action) for item in decision.dry_run] == [("a", Action.BLOCK)]


EXCEPTED = (
    "- {id: a, then: block, exceptions: [{reason: red team, expires: 2026-06-01, when: {tenant: acme*}}]}\n"
    "- {id: b, then: block}"
)


@pytest.mark.parametrize(
    ("at", "action"),
    [
        (datetime(2026, 6, 1, 23, 59, tzinfo=UTC), Action.ALLOW),
        (datetime(2026, 6, 2, 0, 0, tzinfo=UTC), Action.BLOCK),
        (datetime(2026, 6, 2, 1, 0, tzinfo=timezone(timedelta(hours=2))), Action.ALLOW),
    ],
)
def test_an_exception_holds_until_the_end_of_its_day(at: datetime, action: Action) -> None:
    decision = decide(EXCEPTED, finding(), at=at)
    assert decision.verdict.action is action
    assert decision.rulings[0].line == "a"
    assert decision.rulings[0].excepted == ("red team" if action is Action.ALLOW else None)


def test_an_exception_is_for_those_it_names() -> None:
    assert decide(EXCEPTED, finding(), subject=Subject(tenant="other")).verdict.action is Action.BLOCK


def test_a_failed_detector_passes_unless_a_line_it_could_feed_says_block() -> None:
    lines = policy(
        "- {id: s, when: {direction: request, category: secret, tenant: acme*}, then: redact, on_failure: block}\n"
        "- {id: t, then: flag, on_failure: block, dry_run: true}"
    )
    assert lines.on_failure(ACME, Direction.REQUEST).policy_line == "s"
    assert lines.on_failure(ACME, Direction.REQUEST, categories=["secret"]).action is Action.BLOCK
    assert lines.on_failure(ACME, Direction.REQUEST, categories=["pii"]).action is Action.ALLOW
    assert lines.on_failure(ACME, Direction.RESPONSE).action is Action.ALLOW
    assert lines.on_failure(Subject(tenant="x"), Direction.REQUEST).action is Action.ALLOW


MODELS = (
    "- {id: quick, when: {part: user}, then: block, models: inline, deadline_ms: 50, on_failure: block}\n"
    "- {id: slow, when: {part: tool_result}, then: redact, models: inline}\n"
    "- {id: beside, then: block, on_failure: block}\n"
    "- {id: trial, then: block, models: inline, deadline_ms: 9000, dry_run: true}\n"
    "- {id: record, then: flag, models: inline, deadline_ms: 9000}"
)


@pytest.mark.parametrize(
    ("part", "seconds", "line"),
    [(Part.USER, 0.05, "quick"), (Part.TOOL_RESULT, 0.3, None), (Part.SYSTEM, 0.0, None), (None, 0.3, "quick")],
)
def test_models_are_waited_for_by_inline_lines_that_could_act(
    part: Part | None, seconds: float, line: str | None
) -> None:
    lines = policy(MODELS)
    assert lines.patience_s(ACME, Direction.REQUEST, part) == seconds
    assert lines.on_failure(ACME, Direction.REQUEST, part=part, models=True).policy_line == line
    assert lines.on_failure(ACME, Direction.REQUEST, part=part).action is Action.BLOCK


def test_what_is_decided_too_late_is_a_flag_that_says_so() -> None:
    decision = decide("- {id: a, then: block, dry_run: true}\n- {id: b, then: redact}", finding())
    assert [(item.action, item.reason, item.dry_run) for item in decision.late_verdicts] == [
        (Action.FLAG, "redact: seen too late", False),
        (Action.BLOCK, None, True),
    ]


def test_what_may_happen_is_known_before_any_finding() -> None:
    lines = policy(
        "- {id: a, when: {direction: response, part: tool_call}, then: block}\n- {id: b, then: redact, dry_run: true}"
    )
    assert lines.may(Action.BLOCK, ACME, Direction.RESPONSE, Part.TOOL_CALL)
    assert not lines.may(Action.BLOCK, ACME, Direction.RESPONSE, Part.ASSISTANT)
    assert not lines.may(Action.REDACT, ACME, Direction.REQUEST)


def test_it_explains_itself() -> None:
    lines = policy(
        "- {id: a, when: {category: secret}, then: block}\n"
        "- {id: b, then: cut, dry_run: true}\n"
        "- {id: c, when: {tenant: acme*}, then: flag, exceptions: [{reason: known, expires: 2030-01-01}]}"
    )
    assert lines.explain([finding()], ACME, NOW) == [
        "pii/email (pii, high, 0.90, request, user)",
        "  a: no, category differs",
        "  b: would cut",
        "  c: allow (exception: known)",
        "test.policy.yaml: allow",
    ]
    assert lines.explain([finding()], Subject(tenant="x"), NOW)[-2:] == ["  no line: allow", "test.policy.yaml: allow"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "- {id: a, then: stop}", "p.yaml: line 'a': then: Input should be"),
        (HEAD + "- {id: a, then: flag, whn: {}}", "p.yaml: line 'a': whn: no such key"),
        (HEAD + "- {id: a, when: {tenent: x}, then: flag}", "p.yaml: line 'a': when.tenent: no such key"),
        (HEAD + "- {then: flag}", "p.yaml: line number 1: id: Field required"),
        (HEAD + "- {id: a, then: flag}\n- {id: a, then: block}", "p.yaml: line 'a': id: given twice"),
        (HEAD + "- {id: a, then: flag, then: block}", "p.yaml: not YAML: key 'then' given twice"),
        (HEAD + "- {id: a, when: {part: usr}, then: flag}", "p.yaml: line 'a': when.part.0: Input should be"),
        (HEAD + "- {id: a, when: {tenant: []}, then: flag}", "p.yaml: line 'a': when.tenant: expected a name"),
        (
            HEAD + "- {id: a, then: flag, exceptions: [{reason: why, expires: soon}]}",
            "p.yaml: line 'a': exceptions.0.expires: Input should be",
        ),
        (HEAD + "- {id: a, then: flag, exceptions: [{reason: why, expires: 2026-13-45}]}", "p.yaml: not YAML"),
        (HEAD + "- 7", "p.yaml: line number 1: (top): Input should be"),
        ("lines: []", "p.yaml: policy: Field required"),
        ("", "p.yaml: (top): Input should be"),
        ("[", "p.yaml: not YAML"),
        ("\ud800", "p.yaml: not YAML"),
        ("[" * 5000, "p.yaml: not YAML"),
        ("x" * (1024 * 1024 + 1), "p.yaml: 1048577 bytes"),
        ("policy: &a [*a]", "p.yaml: not YAML: its aliases say too much"),
        (f"a: &a {['x' * 99] * 99}\nb: &b [{'*a,' * 99}]\nc: [{'*b,' * 99}]", "p.yaml: not YAML: its aliases say too"),
        (f"policy: {{id: 0x{'f' * 9000}}}", "p.yaml: policy.id: Input should be a valid string (found a number that"),
        (f"policy: {{id: a, version: 0x{'f' * 9000}}}", "p.yaml: policy.version: Input should be less than"),
        (HEAD + "- {id: a, then: flag}\n" * 1001, "p.yaml: lines: Tuple should have at most 1000 items"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_line_and_key(text: str, told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.load(text.encode("utf-8", "surrogatepass"), "p.yaml")
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_aliases_that_say_little_are_read() -> None:
    text = "agents: &mine [a, b]\n" + HEAD + "- {id: a, when: {agent: *mine}, then: flag}"
    with pytest.raises(PolicyError, match="agents: no such key"):
        Policy.load(text.encode(), "p")
    text = HEAD + "- {id: a, when: &mine {agent: [a, b]}, then: flag}\n- {id: b, when: *mine, then: block}"
    assert [line.id for line in Policy.load(text.encode(), "p").lines] == ["a", "b"]


@given(st.binary(max_size=60) | st.text(alphabet="{}[]:- \n&*!idthen'\"", max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(PolicyError):
        Policy.load(data, "p")
