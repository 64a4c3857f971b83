"""Judging a text that belongs to no call: what was seen in it, and what policy would do; `scan` and the scanner ask."""

from datetime import datetime

from midwatch_core.inspection import Scan
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy import Policy, Subject
from midwatch_core.scanning import Scanned

# What a model says; all else is said to it.
_ANSWERS = frozenset({Part.ASSISTANT, Part.REASONING, Part.TOOL_CALL})


def direction_of(part: Part) -> Direction:
    """Which way a text of this part travels, where nothing else tells."""
    return Direction.RESPONSE if part in _ANSWERS else Direction.REQUEST


def judged(seen: Scan, part: Part, policy: Policy, subject: Subject, at: datetime) -> Scanned:
    """What was seen in a text of this part, as policy judges it at a moment; failures count too, as in a call."""
    decision = policy.decide(seen.findings, subject, at)
    action = decision.verdict.action
    if set(seen.failures) - set(seen.silent):
        action = max(action, policy.on_failure(subject, direction_of(part), part=part).action)
    if seen.silent:
        action = max(action, policy.on_failure(subject, direction_of(part), part=part, models=True).action)
    return Scanned(
        findings=seen.findings,
        score=seen.score,
        action=action,
        failures=seen.failures,
        actions=tuple(ruling.action for ruling in decision.rulings),
    )
