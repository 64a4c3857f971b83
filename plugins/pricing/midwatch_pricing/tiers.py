"""Which of a provider's tiers served a call: standard, or batch, flex, priority, fast, …"""

import re

from midwatch_core import Exchange

STANDARD = ""
BATCH = "batch"

# Names for the standard price.
_STANDARD = frozenset({"", "default", "standard", "standard_only", "auto", "on_demand", "unspecified"})
# Tiers whose price is the standard one at a provider.
_SAME_PRICE = {"groq": frozenset({"flex"})}
_BATCH_PATH = re.compile(r"/batch(?:es)?(?:/|$)|:batch[A-Z]")


def tier_of(exchange: Exchange, listed: str) -> str:
    """The tier, `STANDARD` for the usual one. The response's word counts; the request's, if there is none.

    `listed` is the provider's id in the price list.
    """
    if _BATCH_PATH.search(exchange.endpoint.path):
        return BATCH
    said = exchange.response.service_tier if exchange.response else None
    if said is None:
        asked = exchange.request.parameters.get("service_tier")
        said = asked if isinstance(asked, str) else ""
    tier = said.lower().removeprefix("service_tier_")
    return STANDARD if tier in _STANDARD or tier in _SAME_PRICE.get(listed, ()) else tier


def surcharge_of(exchange: Exchange, listed: str) -> str | None:
    """What the call chose that costs more at some models, by how much the price list does not say."""
    if listed == "anthropic":
        region = exchange.request.parameters.get("inference_geo")
        return None if region in (None, "global") else f"inference in {region!r}"
    if listed == "openai":
        host = exchange.endpoint.host.lower()
        return f"regional processing at {host}" if host.endswith(".api.openai.com") else _search_of(exchange)
    if listed == "aws":
        chosen = exchange.request.parameters.get("performanceConfig")
        optimized = isinstance(chosen, dict) and chosen.get("latency") == "optimized"
        return "latency-optimized inference" if optimized else None
    return None


def _search_of(exchange: Exchange) -> str | None:
    """OpenAI's models without reasoning pay more for the preview of web search, the small ones for what it found."""
    usage = exchange.response.usage if exchange.response else None
    model = exchange.model or ""
    if usage is None or "web_search" not in usage.tool_fees or not model.startswith("gpt-4"):
        return None
    preview = any(tool.startswith("web_search_preview") for tool in exchange.request.tools)
    return "web search" if preview or "-mini" in model else None
