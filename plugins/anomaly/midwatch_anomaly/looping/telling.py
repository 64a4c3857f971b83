"""A loop in words: the finding of the call that shows it, and the alert of the agent that is in it."""

from datetime import UTC, datetime, timedelta

from midwatch_anomaly.looping.row import Circle
from midwatch_core import Alert, Direction, Exchange, Finding, Severity

CATEGORY = "anomaly"
TOOL_RULE, PROMPT_RULE = "anomaly/loop-tool", "anomaly/loop-prompt"
# Where nothing more comes of it for so long, it is over.
_QUIET = timedelta(minutes=10)
_LONGEST_WHO = 100


def finding_of(circle: Circle) -> Finding:
    """The finding; the pipeline gives it its id."""
    return Finding(
        id="",
        rule=rule_of(circle),
        category=CATEGORY,
        severity=Severity.MEDIUM,
        confidence=0.9,
        message=f"The agent goes in a circle: {what_of(circle)}, {circle.count} times",
        owasp=("LLM10:2025",),
        direction=Direction.RESPONSE if circle.tools else Direction.REQUEST,
    )


def alert_of(circle: Circle, exchange: Exchange, now: datetime) -> Alert:
    """The alert of this agent of this tenant; each further time counts it up, and keeps it open."""
    identity = exchange.identity
    name = (identity.agent or identity.app or identity.key_id or "")[:_LONGEST_WHO]
    kind = rule_of(circle).partition("/")[2]
    return Alert(
        at=now,
        category=CATEGORY,
        severity=Severity.MEDIUM,
        title=f"{f'Agent {name}' if name else 'An agent'} goes in a circle: {what_of(circle)}",
        fingerprint=f"anomaly:{identity.tenant}:agent:{name or 'an agent'}:{kind}",
        tenant=identity.tenant,
        details=_details(circle, exchange),
        count=circle.count if circle.is_new else 1,
        expires_at=now + _QUIET,
    )


def rule_of(circle: Circle) -> str:
    """The rule's id."""
    return TOOL_RULE if circle.tools else PROMPT_RULE


def what_of(circle: Circle) -> str:
    """What is done again and again."""
    if not circle.tools:
        return "the same request"
    return "the same call of " + " and ".join(circle.tools)


def _details(circle: Circle, exchange: Exchange) -> dict[str, str]:
    return {
        "repeats": str(circle.count),
        "since": datetime.fromtimestamp(circle.since_s, UTC).isoformat(timespec="seconds"),
        "cost_usd": f"{circle.cost_usd:.4f}",
        "model": exchange.model or "unknown",
        "trace": exchange.trace_id,
        "exchange": exchange.id,
    }
