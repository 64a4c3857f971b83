"""From an exchange to the numbers that are watched."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from midwatch_anomaly.measuring import Measurement, measured
from midwatch_core import Action, Cost, CostBasis, Exchange, Finding, Response, Severity, Timing, Verdict
from midwatch_core.testing import make_exchange


def finding(category: str) -> Finding:
    return Finding(id="f", rule="r", category=category, severity=Severity.LOW, confidence=1.0, message="m")


def test_a_call_that_went_well() -> None:
    exchange = make_exchange(tenant="acme", model="gpt-5")
    assert exchange.response is not None
    assert exchange.response.usage is not None
    assert measured(exchange) == Measurement(
        tenant="acme",
        model="gpt-5",
        agent="coder",
        cost_usd=0.000123,
        input_tokens=exchange.response.usage.input_tokens or 0,
        output_tokens=exchange.response.usage.output_tokens or 0,
        latency_ms=640.25,
        timed=1,
        ttft_ms=210.5,
        first_timed=1,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 500},
        {"status": None, "response": None},
        {"error": "upstream closed early"},
        {"status": 429, "response": Response()},
    ],
    ids=["500", "no answer", "torn", "429"],
)
def test_a_call_that_failed_is_an_error_without_times(changes: dict[str, Any]) -> None:
    found = measured(make_exchange(**changes))
    assert (found.errors, found.timed, found.first_timed) == (1, 0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 403, "verdicts": (Verdict(action=Action.BLOCK),)},
        {"error": "client disconnected"},
    ],
    ids=["refused by policy", "given up by the client"],
)
def test_what_nobody_did_wrong_is_no_error(changes: dict[str, Any]) -> None:
    assert measured(make_exchange(**changes)).errors == 0


def test_findings_count_but_not_those_of_this_plugin() -> None:
    assert measured(make_exchange(findings=(finding("pii"), finding("secret")))).findings == 1
    assert measured(make_exchange(findings=(finding("anomaly"),))).findings == 0


@pytest.mark.parametrize(
    "cost",
    [None, Cost(reason="unknown"), Cost(amount=Decimal(7), basis=CostBasis.API_EQUIVALENT)],
    ids=["unpriced", "unknown", "of a subscription"],
)
def test_what_nobody_is_billed_for_costs_nothing(cost: Cost | None) -> None:
    assert measured(make_exchange(cost=cost)).cost_usd == 0


def test_a_call_without_usage_or_times_counts() -> None:
    bare: Exchange = replace(make_exchange(response=None), timing=Timing())
    found = measured(bare)
    assert (found.calls, found.input_tokens, found.timed) == (1, 0, 0)
