"""Findings as alerts: one a tenant and category, whatever came of the call, and never what a text says."""

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from midwatch.control.finding_alerts import FindingAlerts
from midwatch_core.incident_settings import IncidentSettings
from midwatch_core.incidents import MOST_OPEN, Incidents
from midwatch_core.model.alert import Alert
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.incident import IncidentChange
from midwatch_core.testing.factories import BEGINNING, make_exchange

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Room:
    def __init__(self, **settings: Any) -> None:
        self.raised: list[Alert] = []
        self.alerts = FindingAlerts(self.raised.append, Noon(), IncidentSettings(**settings))

    def take(self, *exchanges: Exchange) -> list[Alert]:
        self.alerts.take(exchanges)
        raised, self.raised[:] = list(self.raised), []
        return raised


def finding(rule: str = "rules/inj-001", severity: Severity = Severity.HIGH, **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "id": "f",
        "rule": rule,
        "category": "prompt_injection",
        "severity": severity,
        "confidence": 0.9,
        "message": "Asks to drop the instructions",
        "owasp": ("LLM01:2025", "LLM07:2025"),
        "evidence": "ignore all previous",
    }
    return Finding(**given | changes)


def call(*findings: Finding, tenant: str = "acme", **changes: Any) -> Exchange:
    return make_exchange(tenant=tenant, findings=findings, **changes)


def test_a_grave_finding_is_an_alert_that_ends_by_itself_and_says_where_to_look() -> None:
    exchange = call(finding())
    (alert,) = Room(quiet_s=600).take(exchange)
    assert alert == Alert(
        at=NOW,
        category="finding",
        severity=Severity.HIGH,
        title="Prompt injection in calls of app editor",
        fingerprint="finding:acme:prompt_injection",
        tenant="acme",
        details={
            "found": "prompt_injection",
            "rules": "rules/inj-001",
            "app": "editor",
            "agent": "coder",
            "model": "gpt-5-mini",
            "exchange": exchange.id,
            "owasp": "LLM01:2025, LLM07:2025",
        },
        expires_at=NOW + timedelta(minutes=10),
    )


def test_what_comes_together_is_one_alert_a_tenant_and_category_of_the_gravest_and_the_newest() -> None:
    newest = call(finding(), started_at=BEGINNING + timedelta(days=1))
    older = call(finding(severity=Severity.CRITICAL), finding("rules/other"), started_at=BEGINNING)
    leak = call(finding("secrets/key", category="data_leak"))
    theirs = call(finding(), tenant="theirs")
    told = {alert.fingerprint: alert for alert in Room().take(newest, older, leak, theirs)}
    assert {key: alert.count for key, alert in told.items()} == {
        "finding:acme:prompt_injection": 2,
        "finding:acme:data_leak": 1,
        "finding:theirs:prompt_injection": 1,
    }
    both = told["finding:acme:prompt_injection"]
    assert (both.severity, both.details["exchange"]) == (Severity.CRITICAL, newest.id)
    assert both.details["rules"] == "rules/inj-001, rules/other"


def test_a_call_that_many_rules_answer_is_one_call_and_the_first_rules_are_named() -> None:
    (alert,) = Room().take(call(*(finding(f"rules/{number}") for number in range(8))))
    assert alert.count == 1
    assert alert.details["rules"] == "rules/0, rules/1, rules/2, rules/3, rules/4 and 3 more"


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ("info", ["info", "low", "medium", "high", "critical"]),
        ("medium", ["medium", "high", "critical"]),
        ("high", ["high", "critical"]),
        ("critical", ["critical"]),
        ("off", []),
    ],
)
def test_only_findings_as_grave_as_the_setting_are_told(findings: str, expected: list[str]) -> None:
    seen = [finding(severity=severity, category=severity.value) for severity in Severity]
    told = Room(findings=findings).take(call(*seen))
    assert [alert.severity.value for alert in told] == expected


def test_settings_are_followed() -> None:
    room = Room()
    room.alerts.follow(IncidentSettings(findings="off"))
    assert room.take(call(finding())) == []


def test_anomalies_are_told_by_those_who_explain_them() -> None:
    assert Room().take(call(finding(category="anomaly"))) == []


def test_a_call_that_was_blocked_is_told_too() -> None:
    blocked = replace(call(finding()), verdicts=(Verdict(action=Action.BLOCK, findings=("f",)),))
    assert len(Room().take(blocked)) == 1


def test_no_text_of_a_call_is_told_and_strangers_names_are_shown_as_far_as_they_can_be() -> None:
    exchange = call(finding(), model="gpt\x1b[31m\nred")
    identity = replace(exchange.identity, app="Tool\n@channel\u202e" + "x" * 500, user="\x00", agent=None)
    (alert,) = Room().take(replace(exchange, identity=identity))
    shown = [alert.title, *alert.details.values()]
    assert all(text.isprintable() for text in shown)
    assert max(map(len, shown)) < 300
    assert ("user" in alert.details, "agent" in alert.details) == (False, False)
    texts = [segment.text for segment in exchange.request.segments]
    assert not any(said in line for line in shown for said in (*texts, "ignore all", "Asks to drop"))


def test_a_storm_is_one_incident_that_counts_every_call_and_is_told_once() -> None:
    incidents, changes = Incidents(lambda at: f"{at} {next(numbers)}"), list[IncidentChange]()
    numbers = count()

    def take(alert: Alert) -> None:
        changes.extend(news.change for news in incidents.take(alert, 0.0) if news.change is not None)

    alerts = FindingAlerts(take, Noon(), IncidentSettings())
    storm = [call(finding(f"rules/{number}")) for number in range(10)] * 100
    for _ in range(100):
        alerts.take(storm)
    assert [incident.count for incident in incidents.open] == [100_000]
    assert changes == [IncidentChange.BEGAN]


def test_a_storm_over_all_tenants_loses_no_call_and_takes_no_more_memory_the_longer_it_is() -> None:
    numbers, calls = count(), 300
    incidents = Incidents(lambda at: str(next(numbers)))

    def take(alert: Alert) -> None:
        incidents.take(alert, 0.0)

    alerts = FindingAlerts(take, Noon(), IncidentSettings())
    plain = call(finding())
    held = []
    tracemalloc.start()
    for batch in range(12):
        first = batch * calls
        who = (replace(plain.identity, tenant=f"tenant-{number}") for number in range(first, first + calls))
        alerts.take([replace(plain, identity=identity) for identity in who])
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert len(incidents.open) == MOST_OPEN
    assert sum(incident.count for incident in incidents.open) == 12 * calls
    assert held[-1] - held[5] < 64 * 1024
