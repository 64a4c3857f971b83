"""What comes of ruling on a body: the bytes that go on, or a refusal instead of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core.model.finding import Finding, Verdict
from midwatch_core.wire.dialect import Refusal

BLOCKED = "blocked_by_policy"
NOT_INSPECTED = "inspection_failed"
NOT_REDACTED = "redaction_failed"
# More reasons than this help nobody who reads a refusal.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """The body as it may go on, or why it may not. `edited`: something in it was replaced."""

    body: bytes
    edited: bool = False
    refusal: Refusal | None = None


def blocked(verdict: Verdict, findings: Sequence[Finding], call_id: str) -> Refusal:
    """A refusal that names policy, line and rules, and repeats nothing of the text."""
    behind = [item for item in findings if item.id in verdict.findings]
    titles = dict.fromkeys(f"{item.message} ({item.rule})" for item in behind)
    reasons = "; ".join(list(titles)[:_NAMED])
    return _refusal(BLOCKED, f"{_line(verdict)} does not allow this{': ' + reasons if reasons else ''}.", call_id)


def not_inspected(verdict: Verdict, failures: Sequence[str], call_id: str) -> Refusal:
    """A refusal because a detector could not say, and the line lets nothing pass then."""
    return _refusal(NOT_INSPECTED, f"{_line(verdict)} needs an inspection that failed: {', '.join(failures)}.", call_id)


def not_redacted(verdict: Verdict, reason: str, call_id: str) -> Refusal:
    """A refusal because what must be hidden could not be hidden safely."""
    return _refusal(NOT_REDACTED, f"{_line(verdict)} needs a redaction that can't be made: {reason}.", call_id)


def _line(verdict: Verdict) -> str:
    return f"Midwatch's policy {verdict.policy or '?'}, line {verdict.policy_line or '?'},"


def _refusal(code: str, why: str, call_id: str) -> Refusal:
    return Refusal(status=403, code=code, message=f"{why} Request id: {call_id}", request_id=call_id)
