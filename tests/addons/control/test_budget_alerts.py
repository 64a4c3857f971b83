"""Budgets that reach a mark, as alerts: what workers tell, and what is none of that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from midwatch.control.budget_alerts import BudgetAlerts
from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity
from tests.addons.control.incident_house import Time

ENDS = datetime(2026, 12, 1, tzinfo=UTC)


def crossing(**other: Any) -> dict[str, Any]:
    told = {
        "rule": "team",
        "tenant": "acme",
        "percent": 80,
        "values": {"agent": "coder"},
        "hard": True,
        "usd": "50",
        "period": "month",
        "ends": ENDS.isoformat(),
    }
    return told | other


def raised(*crossings: Any) -> list[Alert]:
    alerts: list[Alert] = []
    BudgetAlerts(alerts.append, Time()).take(crossings)
    return alerts


def test_a_mark_is_an_alert_that_is_over_with_the_budget_s_period() -> None:
    (alert,) = raised(crossing())
    assert (alert.category, alert.tenant, alert.expires_at) == ("budget", "acme", ENDS)
    assert alert.title == "Budget team: 80 % of 50 USD a month (agent coder)"
    assert alert.details == {
        "rule": "team",
        "kind": "hard",
        "percent": "80",
        "ends": ENDS.isoformat(),
        "agent": "coder",
    }


@pytest.mark.parametrize(
    ("percent", "severity"), [(50, Severity.INFO), (80, Severity.MEDIUM), (100, Severity.HIGH)], ids=str
)
def test_the_nearer_the_limit_the_worse(percent: int, severity: Severity) -> None:
    assert raised(crossing(percent=percent))[0].severity is severity


def test_marks_periods_tenants_and_whose_they_are_make_alerts_of_their_own() -> None:
    others: list[dict[str, Any]] = [
        {"percent": 100},
        {"tenant": "b"},
        {"values": {}},
        {"ends": (ENDS + timedelta(days=31)).isoformat()},
    ]
    alerts = raised(crossing(), *(crossing(**other) for other in others), crossing())
    assert len({alert.fingerprint for alert in alerts}) == 1 + len(others)


@pytest.mark.parametrize(
    "nonsense",
    [None, 7, {}, crossing(percent="much"), crossing(values=None), crossing(ends="soon"), crossing(ends=None)],
    ids=["none", "number", "empty", "percent", "values", "ends", "no-ends"],
)
def test_what_is_no_crossing_is_left_out(nonsense: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert len(raised(nonsense, crossing())) == 1
    assert "in words nobody knows" in caplog.text
