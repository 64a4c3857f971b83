"""Findings as alerts: one a tenant and category for what was stored together; who takes them counts on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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
# Rules that an alert names.
_SHOWN = 5
_RANKS = {severity.value: severity.rank for severity in Severity}


@dataclass(slots=True)
class _Seen:
    """What one tenant's calls showed of one category: in how many calls, how bad at worst, by what, and where last."""

    category: str
    severity: Severity
    exchange: Exchange
    count: int = 0
    rules: dict[str, None] = field(default_factory=dict)
    owasp: dict[str, None] = field(default_factory=dict)


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
            _add(seen, exchange, list(self._grave(exchange)))
        for item in seen.values():
            self._raise(self._alert(item))

    def _grave(self, exchange: Exchange) -> Iterator[Finding]:
        least = _RANKS[self._settings.findings]
        for finding in exchange.findings:
            if finding.severity.rank >= least and finding.category != _TOLD_ELSEWHERE:
                yield finding

    def _alert(self, seen: _Seen) -> Alert:
        now = self._clock.now()
        tenant = seen.exchange.identity.tenant
        return Alert(
            at=now,
            category="finding",
            severity=seen.severity,
            title=_title(seen),
            fingerprint=f"finding:{tenant}:{seen.category}",
            tenant=tenant,
            details=_details(seen),
            count=seen.count,
            expires_at=now + timedelta(seconds=self._settings.quiet_s),
        )


def _add(seen: dict[tuple[str, str], _Seen], exchange: Exchange, findings: Sequence[Finding]) -> None:
    """One text may answer many rules of a category: it is one call all the same."""
    for category in dict.fromkeys(finding.category for finding in findings):
        mine = [finding for finding in findings if finding.category == category]
        gravest = max((finding.severity for finding in mine), key=lambda severity: severity.rank)
        known = seen.setdefault(
            (exchange.identity.tenant, category), _Seen(category=category, severity=gravest, exchange=exchange)
        )
        known.count += 1
        known.severity = max(known.severity, gravest, key=lambda severity: severity.rank)
        if exchange.started_at >= known.exchange.started_at:
            known.exchange = exchange
        known.rules.update(dict.fromkeys(finding.rule for finding in mine))
        known.owasp.update(dict.fromkeys(item for finding in mine for item in finding.owasp))


def _title(seen: _Seen) -> str:
    """One line. What clients call themselves is a stranger's word: only what can be shown of it is."""
    words = _words(seen.category)
    what = words[0].upper() + words[1:]
    identity = seen.exchange.identity
    if app := label(identity.app):
        return f"{what} in calls of app {app}"
    agent = label(identity.agent)
    return f"{what} in calls of agent {agent}" if agent else f"{what} in calls"


def _details(seen: _Seen) -> dict[str, str]:
    exchange = seen.exchange
    told = {
        "found": label(seen.category),
        "rules": _some(seen.rules),
        "app": label(exchange.identity.app),
        "agent": label(exchange.identity.agent),
        "model": label(exchange.model),
        "user": label(exchange.identity.user),
        "exchange": exchange.id,
        "owasp": _some(seen.owasp),
    }
    return {name: value for name, value in told.items() if value}


def _words(category: str) -> str:
    words = label(category.replace("_", " ")) or "finding"
    return "personal data" if words == "pii" else words


def _some(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    known = [name for name in map(label, names) if name]
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more
