"""Cohere, simulated."""
