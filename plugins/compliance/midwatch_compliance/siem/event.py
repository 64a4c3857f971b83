"""An event: a finding, or what policy did to a call, in plain values. Formats turn it into what a receiver reads.

Evidence is masked and texts are cut: what leaves here is about a call, never the call.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from midwatch_core import Action, Exchange, FindingRow, Severity, Verdict, finding_rows

_MAX_TEXT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SiemEvent:
    """`id` is the same however often it is sent: by it a receiver knows what it has. `kind`: finding or enforcement.

    `at` is when the call began, in ISO 8601. `action` is allow, flag, redact, cut or block.
    """

    id: str
    kind: str
    at: str
    exchange_id: str
    trace_id: str
    tenant: str
    severity: str
    action: str
    title: str
    provider: str
    host: str
    model: str | None = None
    app: str | None = None
    agent: str | None = None
    user: str | None = None
    client: str | None = None
    rule: str | None = None
    category: str | None = None
    owasp: tuple[str, ...] = ()
    confidence: float | None = None
    direction: str | None = None
    evidence: str | None = None
    policy: str | None = None
    policy_line: str | None = None

    @property
    def moment(self) -> datetime:
        """When the call began."""
        return datetime.fromisoformat(self.at)


def events_of(exchange: Exchange) -> Iterator[SiemEvent]:
    """The events of a stored call: one a finding, and one for each verdict that changed the call."""
    for row in finding_rows(exchange):
        yield _of_finding(exchange, row)
    for number, verdict in enumerate(exchange.verdicts):
        if verdict.action > Action.FLAG and not verdict.dry_run:
            yield _of_verdict(exchange, verdict, number)


def event_of(document: dict[str, Any]) -> SiemEvent:
    """An event from its JSON values. Raises TypeError, ValueError or KeyError where it is none."""
    known = {item.name for item in fields(SiemEvent)}
    event = SiemEvent(**{**{key: document[key] for key in document.keys() & known}, "owasp": tuple(document["owasp"])})
    datetime.fromisoformat(event.at)
    return event


def as_json(event: SiemEvent) -> dict[str, Any]:
    """The event's values, for JSON."""
    return asdict(event)


def _of_finding(exchange: Exchange, row: FindingRow) -> SiemEvent:
    verdict = next((item for item in exchange.verdicts if row.id in item.findings and not item.dry_run), None)
    return SiemEvent(
        id=row.id,
        kind="finding",
        severity=row.severity,
        action=row.action,
        title=_cut(row.message),
        rule=_cut(row.rule),
        category=_cut(row.category),
        owasp=row.owasp,
        confidence=row.confidence,
        direction=row.direction,
        evidence=None if row.evidence is None else _cut(row.evidence),
        policy=verdict.policy if verdict else None,
        policy_line=verdict.policy_line if verdict else None,
        **_whose(exchange),
    )


def _of_verdict(exchange: Exchange, verdict: Verdict, number: int) -> SiemEvent:
    named = [finding for finding in exchange.findings if finding.id in verdict.findings]
    worst = max(named, key=lambda finding: finding.severity.rank, default=None)
    action = verdict.action.name.lower()
    return SiemEvent(
        id=f"{exchange.id}:verdict:{number}",
        kind="enforcement",
        severity=(worst.severity if worst else Severity.MEDIUM).value,
        action=action,
        title=_cut(verdict.reason or f"Policy: {action}, {len(named)} findings"),
        rule=_cut(worst.rule) if worst else None,
        category=_cut(worst.category) if worst else None,
        owasp=worst.owasp if worst else (),
        policy=verdict.policy,
        policy_line=verdict.policy_line,
        **_whose(exchange),
    )


def _whose(exchange: Exchange) -> dict[str, Any]:
    identity, endpoint = exchange.identity, exchange.endpoint
    names = {
        "tenant": identity.tenant,
        "provider": endpoint.provider,
        "host": endpoint.host,
        "model": exchange.model,
        "app": identity.app,
        "agent": identity.agent,
        "user": identity.user,
        "client": identity.client,
    }
    return {
        "at": exchange.started_at.isoformat(),
        "exchange_id": exchange.id,
        "trace_id": _cut(exchange.trace_id),
        **{name: None if text is None else _cut(text) for name, text in names.items()},
    }


def _cut(text: str) -> str:
    """A text of bounded length that can be written: halves of surrogate pairs become question marks."""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode()
