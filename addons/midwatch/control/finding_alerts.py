"""Findings as alerts: one a tenant and rule for what was stored together; who takes them counts on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from midwatch_core.access.identifying import label
from midwatch_core.clock import Clock
from midwatch_core.incident_settings import IncidentSettings
from midwatch_core.model.alert import Alert
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity

# What the statistics find is told by themselves, with what explains it.
_TOLD_ELSEWHERE = "anomaly"
_OFF = "off"
_RANKS = {severity.value: severity.rank for severity in Severity}


@dataclass(slots=True)
class _Seen:
    """What one tenant's calls showed of one rule: how often, how bad at worst, and where last."""

    count: int
    severity: Severity
    finding: Finding
    exchange: Exchange


class FindingAlerts:
    """Takes stored exchanges and raises alerts for findings as grave as `settings` asks for, masked or blocked or not.

    Nothing is kept between two batches, and an alert says nothing of what a call's texts say. One that no further
    finding keeps alive ends by itself.
    """

    def __init__(self, raise_alert: Callable[[Alert], None], clock: Clock, settings: IncidentSettings) -> None:
        self._raise = raise_alert
        self._clock = clock
        self._settings = settings

    def follow(self, settings: IncidentSettings) -> None:
        """Go by these from now on."""
        self._settings = settings

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Raise what these have to tell."""
        if self._settings.findings == _OFF:
            return
        seen: dict[tuple[str, str], _Seen] = {}
        for exchange in exchanges:
            for finding in self._grave(exchange):
                _add(seen, exchange, finding)
        for item in seen.values():
            self._raise(self._alert(item))

    def _grave(self, exchange: Exchange) -> Iterator[Finding]:
        least = _RANKS[self._settings.findings]
        for finding in exchange.findings:
            if finding.severity.rank >= least and finding.category != _TOLD_ELSEWHERE:
                yield finding

    def _alert(self, seen: _Seen) -> Alert:
        now = self._clock.now()
        tenant, rule = seen.exchange.identity.tenant, seen.finding.rule
        return Alert(
            at=now,
            category="finding",
            severity=seen.severity,
            title=_title(seen),
            fingerprint=f"finding:{tenant}:{rule}",
            tenant=tenant,
            details=_details(seen),
            count=seen.count,
            expires_at=now + timedelta(seconds=self._settings.quiet_s),
        )


def _add(seen: dict[tuple[str, str], _Seen], exchange: Exchange, finding: Finding) -> None:
    key = exchange.identity.tenant, finding.rule
    if (known := seen.get(key)) is None:
        seen[key] = _Seen(count=1, severity=finding.severity, finding=finding, exchange=exchange)
        return
    known.count += 1
    if finding.severity.rank > known.severity.rank:
        known.severity = finding.severity
    if exchange.started_at >= known.exchange.started_at:
        known.finding, known.exchange = finding, exchange


def _title(seen: _Seen) -> str:
    """One line. What clients call themselves is a stranger's word: only what can be shown of it is."""
    category = label(seen.finding.category.replace("_", " ")) or "finding"
    what = f"{category} ({label(seen.finding.rule) or '?'})"
    identity = seen.exchange.identity
    if app := label(identity.app):
        return f"{what} in calls of app {app}"
    agent = label(identity.agent)
    return f"{what} in calls of agent {agent}" if agent else f"{what} in calls"


def _details(seen: _Seen) -> dict[str, str]:
    finding, exchange = seen.finding, seen.exchange
    told = {
        "rule": label(finding.rule),
        "category": label(finding.category),
        "app": label(exchange.identity.app),
        "agent": label(exchange.identity.agent),
        "model": label(exchange.model),
        "user": label(exchange.identity.user),
        "exchange": exchange.id,
        "owasp": ", ".join(finding.owasp),
    }
    return {name: value for name, value in told.items() if value}
