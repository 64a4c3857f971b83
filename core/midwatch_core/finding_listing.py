"""Findings as lines of a listing: the stable keys that scripts lean on (add, never rename), filters and counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from midwatch_core.errors import StorageError
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Severity

# What counts of findings may be grouped by; `day` and `hour` are UTC, as for costs.
FINDING_KEYS = (
    "day",
    "hour",
    "tenant",
    "category",
    "severity",
    "rule",
    "plugin",
    "action",
    "provider",
    "model",
    "app",
    "agent",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """Which findings: all conditions hold at once; None asks nothing. `since` is inclusive, `until` exclusive.

    Moments are those of the exchange. `severity` is the least.
    """

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    category: str | None = None
    severity: Severity | None = None
    rule: str | None = None
    plugin: str | None = None
    action: str | None = None
    provider: str | None = None
    model: str | None = None
    app: str | None = None
    agent: str | None = None
    exchange_id: str | None = None
    trace_id: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """What `findings --json` prints and repositories list: a finding and whose it is. `at` is when its call began.

    `action` is the strongest that a verdict took because of it. `state` is its triage, `open` unless somebody judged:
    a repository of exchanges does not know it, the query service adds it.
    """

    id: str
    exchange_id: str
    at: datetime
    tenant: str
    rule: str
    category: str
    owasp: tuple[str, ...]
    severity: str
    confidence: float
    part: str | None
    start: int | None
    end: int | None
    plugin: str
    action: str
    direction: str
    path: str | None
    message: str
    evidence: str | None
    trace_id: str
    provider: str
    model: str | None
    app: str | None
    agent: str | None
    state: str = "open"

    def as_json(self) -> Mapping[str, Json]:
        """The row as JSON values, the moment in RFC 3339."""
        return {**asdict(self), "at": self.at.isoformat(), "owasp": list(self.owasp)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPage:
    """Rows, those of the newest exchanges first, and the cursor of the next page; None on the last."""

    rows: tuple[FindingRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCount:
    """How many findings one group has. `group` has the values of the keys asked for, in their order."""

    group: tuple[str | None, ...]
    findings: int


def check_finding_keys(by: Sequence[str]) -> None:
    """Raises StorageError where a key is not one of FINDING_KEYS."""
    unknown = [key for key in by if key not in FINDING_KEYS]
    if unknown:
        raise StorageError(f"findings can't be grouped by {unknown[0]!r}; known are {', '.join(FINDING_KEYS)}")


def most_findings_first(counts: Iterable[FindingCount]) -> list[FindingCount]:
    """Most findings first; where they are equal, by the group's values."""
    return sorted(counts, key=lambda count: (-count.findings, tuple(value or "" for value in count.group)))


def finding_rows(exchange: Exchange) -> Iterator[FindingRow]:
    """The lines of an exchange's findings, in their order there."""
    for finding in exchange.findings:
        yield FindingRow(
            id=finding.id,
            exchange_id=exchange.id,
            at=exchange.started_at,
            tenant=exchange.identity.tenant,
            rule=finding.rule,
            category=finding.category,
            owasp=finding.owasp,
            severity=finding.severity.value,
            confidence=finding.confidence,
            part=finding.part.value if finding.part else None,
            start=finding.start,
            end=finding.end,
            plugin=finding.plugin,
            action=action_on(exchange, finding).name.lower(),
            direction=finding.direction.value,
            path=finding.path,
            message=finding.message,
            evidence=finding.evidence,
            trace_id=exchange.trace_id,
            provider=exchange.endpoint.provider,
            model=exchange.model,
            app=exchange.identity.app,
            agent=exchange.identity.agent,
        )


def action_on(exchange: Exchange, finding: Finding) -> Action:
    """The strongest action that a verdict took because of this finding.

    A verdict names the findings behind the strongest action alone: the others of a call were put on record, flagged.
    """
    done = [verdict for verdict in exchange.verdicts if not verdict.dry_run]
    named = max((verdict.action for verdict in done if finding.id in verdict.findings), default=None)
    if named is not None:
        return named
    return min(Action.FLAG, exchange.action)
