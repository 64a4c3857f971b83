"""Exchanges out: as spans and metrics of the GenAI conventions, to a collector."""
