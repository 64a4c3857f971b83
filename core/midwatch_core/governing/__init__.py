"""Limits and budgets: what a call asks of which counters, and what it really used; the counterpart is a cache."""
