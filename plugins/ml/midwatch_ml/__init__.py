"""Asks classifiers how likely a text is an injection: each model in a process of its own, beside the calls."""

from midwatch_ml.plugin import Ml

__all__ = ["Ml"]
