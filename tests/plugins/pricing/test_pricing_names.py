"""Which entry of the price list a model's name means, against the list's own looser rules."""

from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.types import Usage as ListedUsage
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Usage
from midwatch_pricing.invoice import invoice
from midwatch_pricing.model_names import ModelNames, names_of
from midwatch_pricing.price_list import PriceList, load_price_list
from midwatch_pricing.provider_ids import is_self_hosted, listed_id
from midwatch_pricing.rates import RateCard

_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
_PROVIDERS = {provider.id: provider for provider in providers}


def _names(provider: str) -> ModelNames:
    return names_of((entry.id, entry.match) for entry in _PROVIDERS[provider].models)


def _meant(provider: str, name: str) -> str | None:
    position = _names(provider).find(name)
    return None if position is None else _PROVIDERS[provider].models[position].id


@pytest.mark.parametrize(
    ("provider", "name", "entry"),
    [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "gpt-4o-20240806", "gpt-4o"),
        ("openai", "gpt-4o-2025-12-31", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-", None),
        ("openai", "gpt-4o-mini-high", None),
        ("openai", "gpt-4.10", None),
        ("openai", "gpt-45", None),
        ("openai", "o1-pro-2025-03-19", "o1-pro"),
        ("openai", "o1-ultra", None),
        ("openai", "prod-gpt-4o", None),
        ("openai", "gpt-5-nano-2025-08-07", "gpt-5-nano"),
        ("openai", "gpt-5-nano-ultra", None),
        ("openai", "ft:gpt-3.5-turbo-0125:acme::x", "ft:gpt-3.5-turbo-"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::x", "ft:gpt-4o"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x", "ft:gpt-4o-mini"),
        ("openai", "ft:gpt-4.1-nano-2025-04-14:acme::x", None),
        ("openai", "ft:gpt-4-0613:acme::x", None),
        ("anthropic", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("anthropic", "claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("anthropic", "claude-opus-4-15", None),
        ("anthropic", "claude-opus-4-5-turbo", None),
        ("google", "models/gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("google", "gemini-2.0-flash-lite-001", "gemini-2.0-flash-lite"),
        ("google", "gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
        ("google", "gemini-2.5-pro-preview-tts", "gemini-2.5-pro-tts"),
        ("google", "gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("google", "gemini-2.5-flash-preview-05-20", "gemini-2.5-flash-preview"),
        ("google", "gemini-1.5-flash-8b", None),
        ("google", "claude-3-5-sonnet@20240620", "claude-3-5-sonnet"),
        ("aws", "us.anthropic.claude-opus-4-5-20251101-v1:0", "regional.anthropic.claude-opus-4-5-v1:0"),
        ("aws", "global.anthropic.claude-opus-4-5-20251101-v1:0", "global.anthropic.claude-opus-4-5-v1:0"),
        ("x-ai", "grok-4.7-20260916", "grok-4.7"),
        ("openrouter", "openai/gpt-4o", "openai/gpt-4o"),
        ("openrouter", "gpt-4o", None),
    ],
)
def test_exactly_or_by_a_dated_alias(provider: str, name: str, entry: str | None) -> None:
    assert _meant(provider, name) == entry


@pytest.mark.parametrize("provider", sorted(_PROVIDERS))
def test_every_entry_is_found_by_its_own_id(provider: str) -> None:
    names = _names(provider)
    for position, entry in enumerate(_PROVIDERS[provider].models):
        if ":" not in entry.id or not entry.id.startswith("ft:"):
            assert names.find(entry.id) == position


_OPENAI = _names("openai")


@given(st.text(alphabet="abdgmoprt0123456789-.:@", max_size=40), st.sampled_from(["gpt-4", "gpt-4o", "o1", "claude-3"]))
def test_no_name_is_found_but_by_itself_or_an_alias_that_the_list_knows(tail: str, stem: str) -> None:
    position = _OPENAI.find(stem + tail)
    if position is not None and any(letter.isalpha() for letter in tail):
        entry = _PROVIDERS["openai"].models[position]
        assert entry.is_match((stem + tail).lower()) or any(known in tail for known in ("-preview", "-exp", "-v"))


def test_amounts_agree_with_genai_prices_wherever_both_have_one() -> None:
    """Every entry, under and over the long context: it is the list's own arithmetic that ours replaces."""
    prices, compared = load_price_list(), 0
    for provider in providers:
        for entry in provider.models:
            card = prices.card(provider.id, entry.id, "", _AT)
            if not isinstance(card, RateCard):
                continue
            for total in (1_000, 300_000):
                for ours, theirs in _usages(total):
                    cost = invoice(Usage(**ours), card)
                    if cost.amount is not None:
                        listed = entry.calc_price(ListedUsage(**theirs), provider, genai_request_timestamp=_AT)
                        assert cost.amount == listed.total_price, (provider.id, entry.id, ours)
                        compared += 1
    assert compared > 5_000


def _usages(total: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    base = {"input_tokens": total, "output_tokens": 500}
    plain_output = {"input_tokens": total, "output_tokens": 0}
    third = total // 3
    return [
        (base, base),
        (plain_output, plain_output),
        (base | {"cache_read_tokens": third}, base | {"cache_read_tokens": third}),
        (base | {"cache_write_5m_tokens": third}, base | {"cache_write_tokens": third, "cache_write_5m_tokens": third}),
        (base | {"cache_write_1h_tokens": third}, base | {"cache_write_tokens": third, "cache_write_1h_tokens": third}),
        (base | {"reasoning_tokens": 100}, base | {"output_reasoning_tokens": 100}),
        (base | {"input_audio_tokens": 77}, base | {"input_audio_tokens": 77}),
    ]


@pytest.fixture(scope="module")
def prices() -> PriceList:
    return load_price_list()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai", "openai"),
        ("azure.ai.openai", "azure"),
        ("aws.bedrock", "aws"),
        ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"),
        ("mistral_ai", "mistral"),
        ("x_ai", "x-ai"),
        ("together_ai", "together"),
        ("fireworks_ai", "fireworks"),
        ("moonshot_ai", "moonshotai"),
        ("z_ai", "zai"),
        ("cerebras", "cerebras"),
        ("minimax", "minimax"),
        ("openrouter", "openrouter"),
        ("perplexity", "perplexity"),
        ("deepseek", "deepseek"),
        ("groq", "groq"),
        ("cohere", "cohere"),
        ("ollama", None),
        ("openai_compatible", None),
        ("my-openai", None),
    ],
)
def test_our_names_of_providers(prices: PriceList, name: str, expected: str | None) -> None:
    assert listed_id(name, prices.provider_ids) == expected


@pytest.mark.parametrize(
    ("provider", "host", "expected"),
    [
        ("ollama", "ollama.example.com", True),
        ("openai_compatible", "127.0.0.1", True),
        ("openai_compatible", "10.1.2.3", True),
        ("openai_compatible", "[::1]", True),
        ("openai_compatible", "localhost", True),
        ("openai_compatible", "gpu-box.local", True),
        ("openai_compatible", "gpu-box", True),
        ("openai_compatible", "8.8.8.8", False),
        ("openai_compatible", "llm.example.com", False),
    ],
)
def test_self_hosted(provider: str, host: str, expected: bool) -> None:
    assert is_self_hosted(provider, host) is expected


def test_the_source_names_the_list_its_day_and_the_entry(prices: PriceList) -> None:
    card = prices.card("openai", "gpt-4o-2024-08-06", "", _AT)
    assert isinstance(card, RateCard)
    assert card.source.startswith("genai-prices 0.2.")
    assert card.source.endswith(", openai/gpt-4o")
    assert " of 20" in card.source


def test_a_tier_before_its_price_was_listed_is_unknown(prices: PriceList) -> None:
    before = datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        prices.card("openai", "gpt-5", "flex", before) == "no price for service tier 'flex' of model 'gpt-5' of openai"
    )


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"),
        ("us.amazon.nova-micro-v1:0", "amazon.nova-micro-v1:0"),
        ("us.amazon.nova-2-lite-v1:0", "regional.amazon.nova-2-lite-v1:0"),
        ("global.amazon.nova-2-lite-v1:0", "global.amazon.nova-2-lite-v1:0"),
        ("global.amazon.nova-micro-v1:0", None),
        ("us-gov.amazon.nova-micro-v1:0", None),
        ("meta.llama3-2-1b-instruct-v1:0", "meta.llama3-2-1b-instruct-v1:0"),
        ("eu.meta.llama3-2-1b-instruct-v1:0", "meta.llama3-2-1b-instruct-v1:0"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "regional.anthropic.claude-3-7-sonnet-20250219-v1:0"),
        ("anthropic.claude-3-haiku-20240307-v1:0:48k", "regional.anthropic.claude-3-haiku-20240307-v1:0"),
        ("amazon.titan-text-lite-v1", "amazon.titan-text-lite-v1"),
        ("us.deepseek.r1-v1:0", "deepseek.r1-v1:0"),
        ("mistral.mistral-7b-instruct-v0:2", "mistral.mistral-7b-instruct-v0:2"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", None),
        ("us.amazon.nova-micro-ultra-v1:0", None),
    ],
)
def test_a_model_of_bedrock_is_found_without_what_aws_puts_around_its_name(name: str, entry: str | None) -> None:
    card = load_price_list().card("aws", name, "", _AT)
    assert (card.model if isinstance(card, RateCard) else None) == entry
