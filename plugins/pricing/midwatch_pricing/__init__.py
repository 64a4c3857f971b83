"""Prices LLM calls for Midwatch."""
