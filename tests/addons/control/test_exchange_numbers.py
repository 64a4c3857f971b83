"""What calls come to, as metrics: right sums, and nothing that anybody reports harms a counter."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from midwatch.control.exchange_numbers import CALLS, CHUNK, COST, DURATION, METRICS, TOKENS, TTFT, ExchangeNumbers
from midwatch_core.metrics import Metrics
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.timing import Gaps, Timing
from midwatch_core.model.usage import Usage
from midwatch_core.testing.factories import make_exchange


@pytest.fixture
def metrics() -> Metrics:
    registry = Metrics()
    registry.declare(METRICS)
    return registry


@pytest.fixture
def numbers(metrics: Metrics) -> ExchangeNumbers:
    return ExchangeNumbers(metrics)


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {item.labels: item.values[0] for item in metrics.samples({name})}


def used(exchange: Exchange, usage: Usage) -> Exchange:
    assert exchange.response is not None
    return replace(exchange, response=replace(exchange.response, usage=usage))


def test_calls_are_counted_by_tenant_provider_model_and_class_of_status(
    metrics: Metrics, numbers: ExchangeNumbers
) -> None:
    numbers.take([make_exchange(tenant="acme"), make_exchange(tenant="acme"), make_exchange(tenant="lab")])
    numbers.take([make_exchange(tenant="lab", status=529), make_exchange(tenant="lab", status=None, response=None)])
    which = ("openai", "gpt-5-mini")
    assert values(metrics, CALLS) == {
        ("acme", *which, "2xx"): 2,
        ("lab", *which, "2xx"): 1,
        ("lab", *which, "5xx"): 1,
        ("lab", *which, "none"): 1,
    }


def test_tokens_are_counted_by_kind_and_cost_by_what_it_means(metrics: Metrics, numbers: ExchangeNumbers) -> None:
    usage = Usage(
        input_tokens=100, output_tokens=30, cache_read_tokens=40, cache_write_5m_tokens=5, cache_write_1h_tokens=6
    )
    call = used(make_exchange(cost=Cost(amount=Decimal("0.25"))), usage)
    flat = replace(call, cost=Cost(amount=Decimal("1.5"), basis=CostBasis.API_EQUIVALENT))
    numbers.take([call, call, flat, replace(call, cost=Cost(reason="unknown model"))])
    tokens = {labels[-1]: value for labels, value in values(metrics, TOKENS).items()}
    assert tokens == {"input": 400, "output": 120, "cache_read": 160, "cache_write": 44}
    assert {labels[-1]: value for labels, value in values(metrics, COST).items()} == {
        "metered": 0.5,
        "api_equivalent": 1.5,
    }


def test_times_are_observed_in_seconds(metrics: Metrics, numbers: ExchangeNumbers) -> None:
    gaps = Gaps(count=10, mean_ms=30, p50_ms=20, p95_ms=90, max_ms=100)
    numbers.take([make_exchange(timing=Timing(ttft_ms=400, duration_ms=2000, gaps=gaps)), make_exchange()])
    numbers.take([make_exchange(timing=Timing())])
    observed = {item.name: item.values for item in metrics.samples({TTFT, DURATION, CHUNK})}
    assert {name: sum(values[:-1]) for name, values in observed.items()} == {TTFT: 2, DURATION: 2, CHUNK: 1}
    seconds = {name: values[-1] for name, values in observed.items()}
    assert seconds == pytest.approx({TTFT: 0.6105, DURATION: 2.64025, CHUNK: 0.03})


@pytest.mark.parametrize("number", [-5, 10**400, 10**10, math.nan, math.inf, -math.inf], ids=str)
def test_a_number_that_was_made_up_counts_as_nothing(metrics: Metrics, numbers: ExchangeNumbers, number: float) -> None:
    call = used(make_exchange(timing=Timing(ttft_ms=number)), Usage(input_tokens=number))  # type: ignore[arg-type]
    numbers.take([replace(call, cost=Cost(amount=Decimal(number)))])
    assert [value for name in (TOKENS, COST) for value in values(metrics, name).values()] == [0, 0]
    (observed,) = metrics.samples({TTFT})
    assert (sum(observed.values[:-1]), observed.values[-1]) == (1, 0)


@pytest.mark.parametrize(
    ("status", "called"), [(101, "1xx"), (204, "2xx"), (599, "5xx"), (0, "none"), (600, "none"), (-200, "none")]
)
def test_a_status_that_is_none_is_called_so(
    metrics: Metrics, numbers: ExchangeNumbers, status: int, called: str
) -> None:
    numbers.take([make_exchange(status=status)])
    (labels,) = values(metrics, CALLS)
    assert labels[-1] == called
