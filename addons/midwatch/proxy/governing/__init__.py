"""Limits and budgets on flows."""
