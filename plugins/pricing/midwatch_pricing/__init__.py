"""Prices LLM calls for Midwatch: tokens by published rates, with the invoice's arithmetic, or why that is unknown."""

from midwatch_pricing.plugin import Pricing

__all__ = ["Pricing"]
