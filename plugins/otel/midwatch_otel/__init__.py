"""OpenTelemetry for Midwatch: GenAI spans in, exchanges and metrics out."""

from midwatch_otel.plugin import Otel

__all__ = ["Otel"]
