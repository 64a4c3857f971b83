"""An anomaly in words: title and details of its alert."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from midwatch_anomaly.change import Change, Contributor, Explanation, Metric, Scope, Side, Stage
from midwatch_anomaly.explaining import alert_of, details_of, title_of
from midwatch_core import Severity

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SPIKE = Explanation(
    tenant="acme",
    scope=Scope.TENANT,
    name="",
    metric=Metric.COST,
    side=Side.HIGH,
    value=12.5,
    usual=0.5,
    sigma=0.1,
    deviations=9.44,
    since_s=AT.timestamp(),
    bucket_s=60,
    hour=9,
    also=(Metric.CALLS, Metric.INPUT),
    contributors=(
        Contributor(scope=Scope.AGENT, name="crawler", share=0.914),
        Contributor(scope=Scope.MODEL, name="gpt-5", share=0.6),
        Contributor(scope=Scope.MODEL, name="o4", share=0.4),
    ),
)
STOP = replace(SPIKE, metric=Metric.CALLS, side=Side.LOW, value=1.0, usual=36.0, sigma=6.0, also=(), contributors=())


def change(stage: Stage = Stage.BEGAN, of: Explanation = SPIKE) -> Change:
    return Change(stage=stage, at_s=AT.timestamp(), severity=Severity.HIGH, explanation=of)


def test_details_have_all_that_explains_it() -> None:
    assert details_of(SPIKE) == {
        "metric": "cost_usd",
        "value": "12.50 USD in 60 s",
        "usual": "0.5000 USD in 60 s, at 09:00 UTC",
        "sigma": "0.1000 USD in 60 s",
        "deviations": "9.4",
        "since": "2026-11-26T09:00:00+00:00",
        "also": "calls, input tokens",
        "agents": "crawler 91%",
        "models": "gpt-5 60%, o4 40%",
    }


@pytest.mark.parametrize(
    ("of", "title"),
    [
        (SPIKE, "Cost of acme: 25.0 × the usual"),
        (replace(SPIKE, scope=Scope.AGENT, name="crawler"), "Cost of acme, agent crawler: 25.0 × the usual"),
        (replace(SPIKE, usual=0.0), "Cost of acme: far above the usual"),
        (replace(SPIKE, side=Side.DRIFT), "Cost of acme: grown to 25.0 × the usual of a day"),
        (replace(SPIKE, side=Side.DRIFT, usual=0.0), "Cost of acme: grown far above the usual of a day"),
        (STOP, "Calls of acme stopped"),
    ],
    ids=["spike", "agent", "from nothing", "drift", "drift from nothing", "stop"],
)
def test_titles_say_whose_it_is_and_how_far(of: Explanation, title: str) -> None:
    assert title_of(of) == title


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [
        (Metric.ERRORS, 0.25, "25.0%"),
        (Metric.LATENCY, 1234.5, "1,234 ms"),
        (Metric.CALLS, 1234.0, "1,234 in 60 s"),
        (Metric.RATIO, 0.123, "0.123"),
        (Metric.INPUT, 2_500_000.0, "2,500,000 in 60 s"),
    ],
    ids=str,
)
def test_values_have_their_units(metric: Metric, value: float, told: str) -> None:
    assert details_of(replace(SPIKE, metric=metric, value=value))["value"] == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"buckets": 15}, "12.50 USD in 15 min"),
        ({"buckets": 4320, "side": Side.DRIFT}, "12.50 USD a day"),
        ({"metric": Metric.PRICE, "value": 1.25e-6}, "1.25 USD per million"),
        ({"metric": Metric.INPUT_SIZE, "value": 5300.0}, "5,300"),
    ],
    ids=["window", "days", "price", "size"],
)
def test_values_say_what_they_are_of(change: dict[str, Any], told: str) -> None:
    assert details_of(replace(SPIKE, **change))["value"] == told


def test_a_stop_tells_the_calls_that_are_missed() -> None:
    details = details_of(STOP)
    assert (details["value"], details["usual"]) == ("1 calls since", "36 calls since, at 09:00 UTC")


def test_an_alert_counts_when_it_begins_and_ends_by_itself_when_nobody_tells_it() -> None:
    alert = alert_of(change())
    assert (alert.count, alert.resolved, alert.tenant, alert.category) == (1, False, "acme", "anomaly")
    assert alert.expires_at == AT + timedelta(minutes=5)
    assert alert_of(change(Stage.GOES_ON)).count == 0
    assert alert_of(change(Stage.OVER)).resolved
    assert len({alert_of(change(stage)).fingerprint for stage in Stage}) == 1


def test_fingerprints_differ_by_series_metric_and_side() -> None:
    all_of = [SPIKE, STOP, replace(SPIKE, name="x"), replace(SPIKE, metric=Metric.CALLS), replace(SPIKE, tenant="b")]
    assert len({change(of=item).fingerprint for item in all_of}) == len(all_of)
