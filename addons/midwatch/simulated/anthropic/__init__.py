"""Anthropic, simulated."""
