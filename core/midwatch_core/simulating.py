"""Simulation: what a policy would have done otherwise to an exchange that is stored, by the findings it has."""

from typing import TypedDict

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.policy import Policy, subject_of


class Change(TypedDict):
    """An exchange that would have been treated otherwise: the keys of `policy simulate --json`.

    `before` and `after` are actions, each with the line behind it. `dry_run` is what a line on trial would have done
    beyond that.
    """

    id: str
    at: str
    tenant: str
    model: str | None
    before: str
    before_line: str | None
    after: str
    line: str | None
    rules: list[str]
    dry_run: str | None
    dry_run_line: str | None


def change(exchange: Exchange, policy: Policy) -> Change | None:
    """What the policy would have done otherwise, also on trial; None where nothing. Exceptions hold as on that day."""
    decision = policy.decide(exchange.findings, subject_of(exchange), exchange.started_at)
    before, after = exchange.action, decision.verdict.action
    would = max((ruling.action for ruling in decision.dry_run), default=Action.ALLOW)
    if after is before and would <= after:
        return None
    rules = {item.id: item.rule for item in exchange.findings}
    return Change(
        id=exchange.id,
        at=exchange.started_at.isoformat(),
        tenant=exchange.identity.tenant,
        model=exchange.model,
        before=before.name.lower(),
        before_line=_line_of(exchange.verdicts, before),
        after=after.name.lower(),
        line=decision.verdict.policy_line,
        rules=sorted({rules[item] for item in decision.verdict.findings}),
        dry_run=would.name.lower() if would > after else None,
        dry_run_line=next((item.line for item in decision.dry_run if item.action is would > after), None),
    )


def turn(found: Change) -> str | None:
    """`before → after`, by which changes are counted; None where only a line on trial would have done more."""
    return f"{found['before']} → {found['after']}" if found["before"] != found["after"] else None


def _line_of(verdicts: tuple[Verdict, ...], action: Action) -> str | None:
    return next((item.policy_line for item in verdicts if item.action is action and not item.dry_run), None)
