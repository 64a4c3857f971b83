"""The published prices that genai-prices carries, as rate cards. It takes a second to import: control alone has it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from midwatch_pricing.bedrock_names import spellings
from midwatch_pricing.model_names import ModelNames, names_of
from midwatch_pricing.rates import PER_HOUR, PER_MILLION, PER_THOUSAND, Rate, RateCard
from midwatch_pricing.tiers import BATCH, STANDARD

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, Provider

# The list's price key, our kind, units of the rate. Where two keys give a kind, the first that has a price counts.
_KEYS = (
    ("input_mtok", "input", PER_MILLION),
    ("cache_read_mtok", "cache_read", PER_MILLION),
    ("cache_write_5m_mtok", "cache_write_5m", PER_MILLION),
    ("cache_write_mtok", "cache_write_5m", PER_MILLION),
    ("cache_write_1h_mtok", "cache_write_1h", PER_MILLION),
    ("input_audio_mtok", "input_audio", PER_MILLION),
    ("cache_audio_read_mtok", "cache_audio_read", PER_MILLION),
    ("input_image_mtok", "input_image", PER_MILLION),
    ("output_mtok", "output", PER_MILLION),
    ("output_reasoning_mtok", "reasoning", PER_MILLION),
    ("output_audio_mtok", "output_audio", PER_MILLION),
    ("output_image_mtok", "output_image", PER_MILLION),
    ("web_searches_kcount", "web_search", PER_THOUSAND),
    ("web_searches_kcount", "search_queries", PER_THOUSAND),
    ("web_searches_kcount", "google_search", PER_THOUSAND),
    ("storage_searches_kcount", "file_search", PER_THOUSAND),
    ("audio_hours", "audio_seconds", PER_HOUR),
    ("input_mchars", "characters", PER_MILLION),
)
# What a model bills beside the tokens, and no usage counts.
_UNCOUNTED = {
    "requests_kcount": "a fee per request that depends on the search's context size",
    "output_citation_mtok": "citation tokens",
    "audio_hours": "hours of audio",
    "input_audio_hours": "hours of audio",
    "input_mchars": "characters",
}
# What is counted where it is all that is billed: seconds in the answers of models that hear, characters of those asked
# to speak. Beside tokens nobody tells them.
_ALONE = frozenset({"audio_hours", "input_audio_hours", "input_mchars"})
# Kinds without a rate of their own that cost what their whole costs. Images are billed as the text tokens they are
# counted as; Google lists audio only where it differs; Cerebras has one price for all input.
_FOLDS = frozenset({"input_image", "reasoning"})
_FOLDS_OF = {
    "google": _FOLDS | {"input_audio", "output_audio"},
    "cerebras": _FOLDS | {"cache_read"},
}
# Google's models that pay for a grounded prompt, not, as the later ones, for each query.
_PROMPT_GROUNDED = re.compile(r"^gemini-(?:1|2)\b")
# OpenAI's models that draw: where they have one price for output, it is that of pictures.
_DRAWS = re.compile(r"(?:chat)?gpt-image-")
_DRAWN = frozenset({"output_image"})
# OpenAI's models that search on every call, for a fee that neither list nor usage has.
_SEARCHES = re.compile(r"-search-(?:preview|api)")


@dataclass(slots=True)
class PriceList:
    """Rate cards by provider, model, tier and time. `source` names the list and how new its data are."""

    source: str
    _providers: "dict[str, Provider]"
    _names: dict[str, ModelNames] = field(default_factory=dict)

    @property
    def provider_ids(self) -> frozenset[str]:
        """The ids of all providers that have prices."""
        return frozenset(self._providers)

    def provider_at(self, url: str) -> str | None:
        """The provider whose API a URL belongs to."""
        for provider in self._providers.values():
            if re.match(provider.api_pattern, url):
                return provider.id
        return None

    def card(self, provider_id: str, model: str, tier: str, at: datetime) -> RateCard | str:
        """The rate card, or why there is none."""
        found = self._find(provider_id, model)
        if found is None:
            return f"no price for model {model!r} of {provider_id}"
        provider, entry, own = found
        prices = _prices_in(entry, provider, tier, at) if own or tier == STANDARD else None
        if prices is None:
            return f"no price for service tier {tier!r} of model {model!r} of {provider_id}"
        rates = _rates(prices)
        if not rates:
            return f"no price for model {model!r} of {provider_id}"
        return RateCard(
            model=entry.id,
            source=f"{self.source}, {provider.id}/{entry.id}",
            rates=rates,
            folds=_FOLDS_OF.get(provider.id, _FOLDS) | (_DRAWN if _DRAWS.match(entry.id) else frozenset()),
            once=frozenset({"google_search"} if _PROMPT_GROUNDED.match(entry.id) else ()),
            uncounted=_uncounted(prices, entry, provider),
        )

    def _find(self, provider_id: str, model: str) -> "tuple[Provider, ModelInfo, bool] | None":
        """The entry in the provider's own list, else in the list of one whose models it offers at the same price."""
        provider = self._providers[provider_id]
        for candidate in (provider_id, *(provider.fallback_model_providers or ())):
            names = self._names.get(candidate)
            if names is None:
                models = self._providers[candidate].models
                names = self._names[candidate] = names_of((entry.id, entry.match) for entry in models)
            spelt = spellings(model) if candidate == "aws" else (model,)
            position = next((at for name in spelt if (at := names.find(name)) is not None), None)
            if position is not None:
                owner = self._providers[candidate]
                return owner, owner.models[position], candidate == provider_id
        return None


def load_price_list() -> PriceList:
    """The list as installed. Imports genai-prices: one second, 20 MB."""
    from genai_prices.data import providers

    newest = max(_verified(providers), default="")
    source = f"genai-prices {version('genai-prices')}" + (f" of {newest}" if newest else "")
    return PriceList(source=source, _providers={provider.id: provider for provider in providers})


def _verified(providers: "list[Provider]") -> Iterator[str]:
    """The days on which entries say that they were verified: the list bears no date of its own."""
    for provider in providers:
        for entry in provider.models:
            yield from re.findall(r"verified on (20\d{2}-\d{2}-\d{2})", entry.price_comments or "", re.IGNORECASE)


def _prices_in(entry: "ModelInfo", provider: "Provider", tier: str, at: datetime) -> "ModelPrice | None":
    """The prices of a tier; None where none are listed for it at that time: genai-prices would give the standard."""
    if tier == STANDARD:
        return entry.get_prices(at)
    for context in _contexts(tier, provider.id):
        if any(_applies(variant, context, at) for variant in entry.price_variants or ()):
            return entry.get_prices(at, context)
    return None


def _contexts(tier: str, provider_id: str) -> Iterator[Mapping[str, str]]:
    if tier == BATCH:
        yield {"processing": "batch"}
    elif tier == "fast" and provider_id == "anthropic":
        yield {"speed": "fast"}
    else:
        yield {"service_tier": tier}


def _applies(variant: "PriceVariant", context: Mapping[str, str], at: datetime) -> bool:
    return variant.when == context and (variant.constraint is None or variant.constraint.active(at))


def _rates(prices: "ModelPrice") -> dict[str, Rate]:
    rates: dict[str, Rate] = {}
    for key, kind, per in _KEYS:
        price = prices.__dict__.get(key)
        if price is not None and kind not in rates:
            rates[kind] = _rate(price, per)
    return rates


def _rate(price: Any, per: int) -> Rate:
    """A rate of the list: a Decimal, or a base with steps, of which the highest that was passed is for all tokens."""
    if isinstance(price, Decimal):
        return Rate(base=price, per=per)
    return Rate(base=price.base, steps=tuple((tier.start, tier.price) for tier in price.tiers), per=per)


def _uncounted(prices: "ModelPrice", entry: "ModelInfo", provider: "Provider") -> str | None:
    by_tokens = prices.input_mtok is not None
    extra = [
        what
        for key, what in _UNCOUNTED.items()
        if prices.__dict__.get(key) is not None and (by_tokens or key not in _ALONE)
    ]
    if provider.id == "openai" and _SEARCHES.search(entry.id):
        extra.append("a fee per web search")
    return f"{entry.id} also bills {extra[0]}, which the usage does not tell" if extra else None


def minute_of(at: datetime) -> int:
    """Minutes since the epoch: prices change by the day, or with the time of day, never within a minute."""
    return int(at.timestamp()) // 60


def time_of(minute: int) -> datetime:
    """The beginning of a minute since the epoch, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)
