"""Finds personal data in LLM traffic: patterns, checksums and the words around them, precision first."""

from midwatch_pii.plugin import Pii

__all__ = ["Pii"]
