"""Costs: sums and budgets."""
