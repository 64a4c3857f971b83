"""Simulation: what a policy would have done otherwise to a stored exchange."""

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.policy import Policy
from midwatch_core.simulating import change, turn
from midwatch_core.testing.factories import make_exchange

FINDING = Finding(
    id="f-1",
    rule="acme/words/one",
    category="secret",
    severity=Severity.HIGH,
    confidence=0.9,
    message="A word",
    plugin="rules",
)


def policy(*lines: str) -> Policy:
    return Policy.load(f"policy: {{id: p}}\nlines: [{', '.join(lines)}]\n".encode(), "p")


def found(action: Action | None = Action.FLAG) -> Exchange:
    verdicts = (Verdict(action=action, findings=("f-1",), policy_line="old", policy="p"),) if action else ()
    return make_exchange(findings=(FINDING,), verdicts=verdicts)


def test_what_would_be_done_otherwise_has_both_actions_and_their_lines() -> None:
    exchange = found()
    told = change(exchange, policy("{id: new, when: {category: secret}, then: block}"))
    assert told is not None
    assert (told["id"], told["before"], told["before_line"]) == (exchange.id, "flag", "old")
    assert (told["after"], told["line"], told["rules"]) == ("block", "new", ["acme/words/one"])
    assert (told["dry_run"], turn(told)) == (None, "flag → block")


def test_what_would_be_done_alike_is_no_change() -> None:
    assert change(found(), policy("{id: other, then: flag}")) is None


def test_a_line_on_trial_is_told_and_turns_nothing() -> None:
    told = change(found(), policy("{id: trial, then: block, dry_run: true}", "{id: rest, then: flag}"))
    assert told is not None
    assert (told["after"], told["dry_run"], told["dry_run_line"], turn(told)) == ("flag", "block", "trial", None)


def test_no_line_lets_pass_what_was_blocked() -> None:
    told = change(found(Action.BLOCK), policy())
    assert told is not None
    assert (turn(told), told["line"], told["rules"]) == ("block → allow", None, [])
