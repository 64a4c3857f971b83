"""Anomalies in the traffic of LLM calls: what is not as usual, and what repeats itself."""

from midwatch_anomaly.plugin import Anomaly

__all__ = ["Anomaly"]
