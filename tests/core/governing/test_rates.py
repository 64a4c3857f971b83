"""Rates: no call that stays within its bound costs more than its rates say, whatever kinds its tokens are of."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.governing.bounds import Bound
from midwatch_core.governing.money import nano_of, usd_of
from midwatch_core.governing.rates import RateBook, Rates
from midwatch_core.metering import MOST
from midwatch_core.model.content import Operation
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.usage import Usage
from midwatch_core.testing import make_exchange
from midwatch_pricing import Pricing
from tests.core.governing.governed import asking, price

MODELS = [
    ("openai", "openai.chat", "api.openai.com", "gpt-5-mini"),
    ("openai", "openai.chat", "api.openai.com", "gpt-5.4"),
    ("anthropic", "anthropic.messages", "api.anthropic.com", "claude-sonnet-4-5"),
    ("anthropic", "anthropic.messages", "api.anthropic.com", "claude-haiku-4-5"),
    ("gcp.gemini", "gemini.generate_content", "generativelanguage.googleapis.com", "gemini-2.5-pro"),
]
PUBLISHED = Pricing()


def call_to(provider: str, dialect: str, host: str, model: str) -> Exchange:
    made = make_exchange(model=model, cost=None)
    endpoint = replace(made.endpoint, provider=provider, dialect=dialect, host=host)
    return replace(made, endpoint=endpoint)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Some tokens in, in parts of some kinds, and some out."""
    parts = [draw(st.integers(0, 400_000)) for _ in range(4)]
    reasoning, plain = draw(st.integers(0, 100_000)), draw(st.integers(0, 100_000))
    return Usage(
        input_tokens=sum(parts),
        output_tokens=reasoning + plain,
        cache_read_tokens=parts[1],
        cache_write_5m_tokens=parts[2],
        cache_write_1h_tokens=parts[3],
        reasoning_tokens=reasoning,
    )


@given(st.sampled_from(MODELS), usages(), st.integers(0, 50_000), st.integers(0, 50_000))
def test_no_call_costs_more_than_its_bound(
    model: tuple[str, str, str, str], usage: Usage, more_in: int, more_out: int
) -> None:
    opened = call_to(*model)
    bound = Bound(input_tokens=(usage.input_tokens or 0) + more_in, output_tokens=(usage.output_tokens or 0) + more_out)
    rates = RateBook(PUBLISHED.price).rates(opened, bound)
    assert rates is not None
    assert opened.response is not None
    cost = PUBLISHED.price(replace(opened, response=replace(opened.response, model=None, usage=usage)))
    if cost.amount is not None:  # some models have no rate for some kinds
        assert nano_of(cost.amount) <= rates.nano(bound.input_tokens, bound.output_tokens)


def test_rates_are_those_of_the_dearest_kind() -> None:
    rates = RateBook(price).rates(asking(), Bound(input_tokens=10, output_tokens=10))
    assert rates == Rates(3_750_000_000, 15_000_000_000)
    assert rates.nano(1, 0) == 3750
    assert rates.nano(MOST, MOST) == MOST


def test_a_model_without_a_price_has_no_rates() -> None:
    book = RateBook(price)
    unpriced = asking(model="free-1")
    assert book.rates(unpriced, Bound(input_tokens=10, output_tokens=10)) is None
    assert book.cost_nano(unpriced) is None


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1"])
def test_what_is_no_amount_is_no_price(amount: str) -> None:
    book = RateBook(lambda _: Cost(amount=Decimal(amount)))
    assert book.rates(asking(), Bound(input_tokens=1, output_tokens=1)) is None
    assert book.cost_nano(asking()) is None


def test_rates_are_learned_once_a_minute() -> None:
    asked: list[Exchange] = []

    def counted(exchange: Exchange) -> Cost | None:
        asked.append(exchange)
        return price(exchange)

    book, opened = RateBook(counted), asking()
    first = book.rates(opened, Bound(input_tokens=1500, output_tokens=10))
    learned = len(asked)
    assert book.rates(opened, Bound(input_tokens=2000, output_tokens=99)) == first
    assert len(asked) == learned
    later = replace(opened, started_at=opened.started_at.replace(minute=59))
    book.rates(later, Bound(input_tokens=1500, output_tokens=10))
    book.rates(opened, Bound(input_tokens=2048, output_tokens=10))
    assert len(asked) == 3 * learned
    book.forget()
    book.rates(opened, Bound(input_tokens=1500, output_tokens=10))
    assert len(asked) == 4 * learned


def test_long_contexts_have_the_rates_of_their_length() -> None:
    def steps(exchange: Exchange) -> Cost:
        usage = exchange.response.usage if exchange.response is not None else None
        tokens = (usage.input_tokens or 0) if usage is not None else 0
        return Cost(amount=Decimal(tokens) * (2 if tokens > 200_000 else 1) / 1_000_000)

    book = RateBook(steps)
    assert book.rates(asking(), Bound(input_tokens=1000, output_tokens=0)) == Rates(1_000_000_000, 0)
    assert book.rates(asking(), Bound(input_tokens=200_000, output_tokens=0)) == Rates(2_000_000_000, 0)


def test_embeddings_need_no_rate_of_output() -> None:
    def only_input(exchange: Exchange) -> Cost:
        usage = exchange.response.usage if exchange.response is not None else None
        if usage is None or usage.output_tokens:
            return Cost(reason="no rate for output")
        return Cost(amount=Decimal(usage.input_tokens or 0) / 10_000_000)

    opened = asking()
    opened = replace(opened, request=replace(opened.request, operation=Operation.EMBEDDINGS))
    assert RateBook(only_input).rates(opened, Bound(input_tokens=10, output_tokens=0)) == Rates(100_000_000, 0)


def test_names_made_up_by_clients_are_not_remembered_for_ever() -> None:
    book = RateBook(price)
    for number in range(1500):
        book.rates(asking(model=f"m-{number}"), Bound(input_tokens=1, output_tokens=1))
    assert len(book._remembered) <= 1024


def test_anthropics_fast_mode_is_priced_as_its_tier() -> None:
    tiers: set[str | None] = set()

    def told(exchange: Exchange) -> Cost | None:
        tiers.add(exchange.response.service_tier if exchange.response is not None else None)
        return price(exchange)

    opened = asking()
    fast = replace(opened, request=replace(opened.request, parameters={"speed": "fast"}))
    RateBook(told).rates(fast, Bound(input_tokens=1, output_tokens=1))
    assert tiers == {"fast"}


@given(st.decimals(0, 9_000_000, allow_nan=False, allow_infinity=False))
def test_money_is_rounded_up_and_never_down(usd: Decimal) -> None:
    assert nano_of(usd) == ceil(Fraction(usd) * 10**9)
    assert usd_of(nano_of(usd)) >= usd


def test_what_is_no_money_is_refused() -> None:
    for amount in ("NaN", "-0.1", "Infinity"):
        with pytest.raises(ValueError, match="no amount of money"):
            nano_of(Decimal(amount))
    assert nano_of(Decimal("1e20")) == MOST
