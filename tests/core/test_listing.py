"""Rows: the stable keys that scripts lean on, and what each says of an exchange."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from midwatch_core.listing import row_of
from midwatch_core.model.content import FinishReason, Operation, ProviderError, ToolCall
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.testing.factories import make_exchange

STABLE = [
    "id",
    "trace_id",
    "started_at",
    "tenant",
    "agent",
    "app",
    "client",
    "provider",
    "dialect",
    "transport",
    "host",
    "model",
    "operation",
    "status",
    "streamed",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_usd",
    "cost_reason",
    "ttft_ms",
    "duration_ms",
    "finish_reason",
    "tools_called",
    "findings",
    "action",
    "decode_error",
]


def with_response(**changes: object) -> Exchange:
    exchange = make_exchange()
    assert exchange.response is not None
    return replace(exchange, response=replace(exchange.response, **changes))  # type: ignore[arg-type]


def test_the_stable_keys_come_first_and_in_order() -> None:
    row = row_of(make_exchange()).as_json()
    assert list(row)[: len(STABLE)] == STABLE
    assert json.loads(json.dumps(row)) == {**row, "tools_called": [], "findings": []}


def test_of_a_call_to_a_tool_server_the_tool_itself_was_called() -> None:
    exchange = with_response(tool_calls=(ToolCall(id="1", name="other", path="/x"),))
    request = replace(exchange.request, operation=Operation.EXECUTE_TOOL, tools=("add",))
    assert row_of(replace(exchange, request=request)).tools_called == ("add",)
    assert row_of(replace(exchange, request=request, response=None)).tools_called == ("add",)
    assert row_of(exchange).tools_called == ("other",)


def test_a_call_that_went_well() -> None:
    row = row_of(make_exchange())
    assert (row.model, row.response_model) == ("gpt-5-mini", "gpt-5-mini-2026-01-31")
    assert (row.input_tokens, row.output_tokens, row.cache_read_tokens) == (21, 4, 0)
    assert (row.cost_usd, row.cost_reason, row.finish_reason) == (Decimal("0.000123"), None, FinishReason.STOP)
    assert (row.action, row.error, row.decode_error) == ("allow", None, None)


def test_a_call_without_answer_has_dashes_and_not_zeros() -> None:
    row = row_of(make_exchange(response=None, cost=None, status=None, error="client disconnected"))
    assert (row.input_tokens, row.cost_usd, row.finish_reason, row.status) == (None, None, None, None)
    assert (row.cost_reason, row.error) == ("not priced yet", "client disconnected")


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (ProviderError(type="overloaded_error", message="Overloaded"), "Overloaded"),
        (ProviderError(type="overloaded_error", message=None), "overloaded_error"),
        (ProviderError(type=None, message=None), None),
    ],
)
def test_a_providers_error_is_shown(problem: ProviderError, error: str | None) -> None:
    assert row_of(with_response(error=problem)).error == error


def test_tools_and_unknown_cost() -> None:
    call = ToolCall(id="1", name="get_weather", path="/x")
    exchange = replace(with_response(tool_calls=(call, call)), cost=Cost(reason="model unknown"))
    row = row_of(exchange)
    assert (row.tools_called, row.cost_usd, row.cost_reason) == (("get_weather",) * 2, None, "model unknown")
    assert row.as_json()["cost_usd"] is None


def test_an_amount_says_what_it_means() -> None:
    def basis(**cost: object) -> str | None:
        return row_of(make_exchange(cost=Cost(**cost))).cost_basis  # type: ignore[arg-type]

    assert basis(amount=Decimal(1)) == "metered"
    assert basis(amount=Decimal(1), basis=CostBasis.API_EQUIVALENT) == "api_equivalent"
    assert basis(reason="unknown", basis=CostBasis.API_EQUIVALENT) == "api_equivalent"
    assert basis(reason="unknown") is None
