"""What is doubtful about a policy: tables of lines, and what is said of them."""

from datetime import date

import pytest

from midwatch_core.policy_doubts import Known, doubts
from midwatch_core.policy_file import read_policy

KNOWN = Known(
    rules={"midwatch/words/one", "midwatch/words/two", "acme/own/three"}, categories={"prompt_injection", "jailbreak"}
)
TODAY = date(2026, 11, 25)


def told(*lines: str) -> list[str]:
    text = "policy: {id: own}\nlines:\n" + "".join(f"  - {line}\n" for line in lines)
    return list(doubts(read_policy(text.encode(), "own"), KNOWN, TODAY))


@pytest.mark.parametrize(
    "when",
    [
        "{category: prompt_injection}",
        "{category: [jail*, secret, pii]}",
        "{category: unbounded_consumption, rule: midwatch/exchange/tools}",
        "{rule: midwatch/words/*}",
        "{rule: 'acme/*'}",
        "{rule: '*'}",
        "{rule: secrets/cloud/aws-*}",
        "{rule: pii/email}",
        "{direction: response, part: [tool_call, user]}",
    ],
)
def test_lines_that_are_fine(when: str) -> None:
    assert told(f"{{id: a, when: {when}, then: flag}}") == []


@pytest.mark.parametrize(
    ("when", "doubt"),
    [
        ("{category: promt_injection}", "category: no detector that is installed reports 'promt_injection'"),
        ("{category: [pii, 'x*']}", "category: no detector that is installed reports 'x*'"),
        ("{rule: midwatch/wrds/*}", "rule: no pack that is installed has a rule 'midwatch/wrds/*'"),
        ("{rule: other/*}", "rule: no pack that is installed has a rule 'other/*'"),
        ("{direction: response, part: [system, user]}", "is never reached: no answer has a part system, user"),
    ],
)
def test_lines_that_are_probably_not_meant(when: str, doubt: str) -> None:
    assert told(f"{{id: a, when: {when}, then: flag}}") == [f"line 'a': {doubt}"]


@pytest.mark.parametrize(
    ("line", "doubt"),
    [
        ("then: block, models: inline, deadline_ms: 50", []),
        ("then: flag, models: inline, on_failure: block", []),
        ("then: block, deadline_ms: 50", ["deadline_ms: only a line with `models: inline` waits"]),
        ("then: flag, models: inline", ["models: no call waits for a line that only puts on record"]),
        ("then: block, models: inline, dry_run: true", ["models: no call waits for a line that only puts on record"]),
    ],
)
def test_lines_that_wait_for_models(line: str, doubt: list[str]) -> None:
    assert told(f"{{id: a, when: {{rule: ml/*}}, {line}}}") == [f"line 'a': {item}" for item in doubt]


@pytest.mark.parametrize(
    ("expires", "doubt"),
    [
        ("2026-11-24", ["has ended on 2026-11-24"]),
        ("2026-11-25", ["ends soon, on 2026-11-25"]),
        ("2026-12-09", ["ends soon, on 2026-12-09"]),
        ("2026-12-10", []),
    ],
)
def test_exceptions_that_end(expires: str, doubt: list[str]) -> None:
    line = f"{{id: a, then: flag, exceptions: [{{reason: because, expires: {expires}}}]}}"
    assert told(line) == [f"line 'a': exception 'because': {item}" for item in doubt]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("{}", "{}"),
        ("{}", "{category: pii, severity_at_least: high, tenant: acme}"),
        ("{category: pii}", "{category: pii, direction: request}"),
        ("{tenant: 'acme*'}", "{tenant: [acme, acme-*]}"),
        ("{part: [user, document]}", "{part: user}"),
        ("{confidence_at_least: 0.5, severity_at_least: low}", "{confidence_at_least: 0.5, severity_at_least: high}"),
        ("{model: '*'}", "{model: 'a?c'}"),
    ],
)
def test_lines_that_another_takes_it_all_from(above: str, below: str) -> None:
    assert told(f"{{id: a, when: {above}, then: flag}}", f"{{id: b, when: {below}, then: block}}") == [
        "line 'b': is never reached: line 'a' above takes all that it would"
    ]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("{category: pii}", "{}"),
        ("{category: pii}", "{category: [pii, secret]}"),
        ("{direction: request}", "{category: pii}"),
        ("{part: user}", "{part: [user, document]}"),
        ("{confidence_at_least: 0.6}", "{confidence_at_least: 0.5}"),
        ("{severity_at_least: high}", "{severity_at_least: low}"),
        ("{tenant: 'a?c'}", "{tenant: 'a*c'}"),
        ("{tenant: 'a[bx]c'}", "{tenant: 'a?c'}"),
        ("{tenant: 'acme-*'}", "{tenant: 'acme*'}"),
        ("{tenant: acme}", "{agent: acme}"),
    ],
)
def test_lines_that_are_reached(above: str, below: str) -> None:
    assert told(f"{{id: a, when: {above}, then: flag}}", f"{{id: b, when: {below}, then: block}}") == []


def test_a_line_on_trial_takes_nothing() -> None:
    assert told("{id: a, then: block, dry_run: true}", "{id: b, then: flag}") == []


def test_a_line_for_one_operation_leaves_others_to_the_lines_below() -> None:
    narrow = "{id: a, when: {operation: execute_tool, category: pii}, then: flag}"
    assert told(narrow, "{id: b, when: {category: pii}, then: redact}") == []
    assert told("{id: a, then: flag}", narrow.replace("id: a", "id: b")) == [
        "line 'b': is never reached: line 'a' above takes all that it would"
    ]
