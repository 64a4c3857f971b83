"""Weighs rules, a lexicon and models into one calibrated score, and says who gave what."""

from midwatch_ensemble.plugin import Ensemble

__all__ = ["Ensemble"]
