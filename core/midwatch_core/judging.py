"""Judging a text that belongs to no call: what was seen in it, and what policy would do; `scan` and the scanner ask."""

from datetime import datetime

from midwatch_core.engine import weighed
from midwatch_core.inspection import Inspection, Scan
from midwatch_core.model.segment import Direction, Part
from midwatch_core.policy import Policy, Subject
from midwatch_core.scanning import Scanned

# What a model says; all else is said to it.
_ANSWERS = frozenset({Part.ASSISTANT, Part.REASONING, Part.TOOL_CALL})


def direction_of(part: Part) -> Direction:
    """Which way a text of this part travels, where nothing else tells."""
    return Direction.RESPONSE if part in _ANSWERS else Direction.REQUEST


def judged(seen: Inspection | Scan, part: Part, policy: Policy, subject: Subject, at: datetime) -> Scanned:
    """What was seen in a text of this part, as policy judges it at a moment; a detector's failure counts too."""
    decision = policy.decide(seen.findings, subject, at)
    action = decision.verdict.action
    if seen.failures:
        action = max(action, policy.on_failure(subject, direction_of(part), part=part).action)
    return Scanned(
        findings=seen.findings,
        score=weighed(seen.findings),
        action=action,
        failures=seen.failures,
        actions=tuple(ruling.action for ruling in decision.rulings),
    )
